package storage

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rdmacp/rdmacp/internal/fault"
)

func TestGlob(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	plant(t, base, "outside/x.c")
	dir := plant(t, filepath.Join(base, "d"), "a.c", "b.c", "b.o", ".hidden.c", "sub/c.c", "sub2/c.c", "lit*", "[x]", "x",
		"new\nline.c", "\xff.d", partialName("z.c"))
	symlink(t, "../outside", dir+"/up")
	symlink(t, "sub", dir+"/sym")
	symlink(t, "nowhere", dir+"/dangling")
	d := openDir(t, dir)
	for pattern, want := range map[string][]string{
		"*.c":       {"a.c", "b.c", "new\nline.c"},
		"?.d":       {"\xff.d"},
		"[!a].c":    {"b.c"},
		".*.c":      {".hidden.c"},
		"s*/*.c":    {"sub/c.c", "sub2/c.c", "sym/c.c"},
		"s*/c.c":    {"sub/c.c", "sub2/c.c", "sym/c.c"},
		"*/":        {"sub/", "sub2/", "sym/"},
		"*/c.c":     {"sub/c.c", "sub2/c.c", "sym/c.c"},
		"sub/*":     {"sub/c.c"},
		"lit*":      {"lit*"},
		`lit\*`:     {"lit*"},
		"[x]":       {"[x]"},
		"dan*":      {"dangling"},
		"none":      {"none"},
		".":         {"."},
		"sub/":      {"sub/"},
		"b.[co]":    {"b.c", "b.o"},
		"*/../../x": nil,
		"*.none":    nil,
		"a.c/*":     nil,
		"up/*":      nil,
		"u*/x.c":    nil,
		"su[b/c.c":  nil,
	} {
		got, err := Glob(t.Context(), d, pattern)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %v\n%s", pattern, err, diff)
		}
		if want == nil {
			code := fault.NotFound
			switch pattern {
			case "*/../../x":
				code = fault.Usage
			case "up/*":
				code = fault.NotExport
			}
			wantFault(t, err, code)
		}
	}
	_, err := Glob(t.Context(), d, "*.none")
	wantFault(t, err, fault.NotFound, "looking for "+dir+"/*.none", "no file matches")
	got, err := Glob(t.Context(), d, "*")
	if err != nil || slices.Contains(got, partialName("z.c")) || !slices.IsSorted(got) {
		t.Errorf("%q, %v", got, err)
	}
}
