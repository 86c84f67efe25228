package client

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// dice throws what one run of a property is made of.
type dice struct{ *rand.Rand }

func (d dice) maybe() bool { return d.IntN(2) == 0 }

func (d dice) of(texts ...string) string { return texts[d.IntN(len(texts))] }

// path is one that may well be there.
func (d dice) path() string {
	parts := []string{d.of("a", "b", "c", ".d", "[x]")}
	for d.IntN(3) > 0 {
		parts = append(parts, d.of("a", "b", "c", "f.o", ".d", "sym"))
	}
	return strings.Join(parts, "/")
}

// plant makes a tree beneath dir.
func (d dice) plant(t *testing.T, dir string, depth int) {
	t.Helper()
	for _, name := range []string{"a", "b", "c", "f.o", ".d", "[x]", "x"} {
		path := filepath.Join(dir, name)
		var err error
		switch d.IntN(6) {
		case 0:
			err = os.Symlink("x2", path)
		case 1, 2:
			err = os.WriteFile(path, nil, 0o600)
		case 3, 4:
			if depth > 0 {
				err = os.Mkdir(path, 0o700)
				d.plant(t, path, depth-1)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"sym", "x"} { // further names of a file, if they are free
		if err := os.WriteFile(filepath.Join(dir, "x2"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_ = os.Link(filepath.Join(dir, "x2"), filepath.Join(dir, name)) // it may be there
	}
}

// options are those of one get.
func (d dice) options() tree.WalkOptions {
	o := tree.WalkOptions{Recursive: d.IntN(4) > 0, Links: d.maybe(), HardLinks: d.maybe()}
	for range d.IntN(4) {
		o.Filter = append(o.Filter, tree.Rule{Include: d.maybe(), Pattern: d.of("a", "b/", "/c", "*.o", ".*", "a/b", "a/**", "**/c", "b/***", "/b/*/c", "*", "[ab]", "/*/x")})
	}
	if d.IntN(3) == 0 {
		o.Files = []string{}
		for range 1 + d.IntN(5) {
			o.Files = append(o.Files, d.path())
		}
		if d.IntN(8) == 0 {
			o.Files = append(o.Files, "./")
		}
	}
	return o
}

// walked are the entries beneath starts.
func walked(t *testing.T, starts []storage.Start, o tree.WalkOptions) []tree.Entry {
	t.Helper()
	w := storage.NewWalker(starts, o)
	defer func() { _ = w.Close() }()
	var all []tree.Entry
	err := w.Walk(t.Context(), func(e tree.Entry) error { all = append(all, e); return nil }, func(tree.Problem) {})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// admitted are the paths of those entries that pass a check, and lie in nothing that does not.
func admitted(entries []tree.Entry, check func(e tree.Entry) error) map[string]bool {
	var paths tree.Paths
	found, dirs := map[string]bool{}, map[int64]bool{0: true}
	for _, e := range entries {
		path := paths.Of(e).String()
		if !dirs[e.Parent] || check(e) != nil {
			continue
		}
		found[path] = true
		dirs[e.ID] = e.Kind == tree.Dir
	}
	return found
}

// What an honest daemon sends, whatever is asked of it, is what was asked for; of all that
// it has there, nothing else is.
func TestAsked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dice{rand.New(rand.NewPCG(1, 1))}.plant(t, dir, 3)
	root, err := storage.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	sent, refused := 0, 0
	for seed := range uint64(2000) {
		d := dice{rand.New(rand.NewPCG(seed, 2))}
		o := d.options()
		target := Target{Export: "e", Path: d.path() + d.of("", "", "/", "/.", "/*", "/?.o", "/[ab]", "/*/x")}
		if d.IntN(4) == 0 {
			target.Path = d.of("", ".", "*", "[x]", "*/", "[!a]")
		}
		starts := startsOf(t, root, target)
		if len(starts) == 0 || o.Files != nil && len(starts) > 1 {
			continue
		}
		honest := walked(t, starts, o)
		all := o
		all.Recursive, all.Filter, all.Files = true, nil, nil
		if o.Files != nil {
			starts[0].Path = strings.TrimRight(starts[0].Path, "/") + "/"
		}
		whole := walked(t, starts, all)
		if o.Files != nil && !slices.ContainsFunc(honest, func(e tree.Entry) bool { return e.Name == "" }) {
			whole = withoutTop(whole)
		}
		what := fmt.Sprintf("seed %d, %+v of %+v", seed, o, target)
		a, b := newAskedFor(t, target, o), newAskedFor(t, target, o)
		for _, e := range honest {
			if f := a.check(e); f != nil {
				t.Fatalf("%s: %v", what, f)
			}
		}
		want := admitted(honest, func(tree.Entry) error { return nil })
		got := admitted(whole, func(e tree.Entry) error {
			if f := b.check(e); f != nil {
				return f
			}
			return nil
		})
		if !maps.Equal(want, got) {
			t.Fatalf("%s: %q are sent, %q are let through", what, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)))
		}
		sent, refused = sent+len(want), refused+len(whole)-len(want)
	}
	if t.Logf("%d were asked for, %d were not", sent, refused); sent < 1000 || refused < 1000 {
		t.Error("that says little")
	}
}

func newAskedFor(t *testing.T, target Target, o tree.WalkOptions) *asked {
	t.Helper()
	a, err := newAsked([]Target{target}, o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// startsOf is where a daemon starts for a target.
func startsOf(t *testing.T, root *storage.Dir, target Target) []storage.Start {
	t.Helper()
	name := filepath.Clean(target.Path)
	if strings.HasSuffix(target.Path, "/") || strings.HasSuffix(target.Path, "/.") {
		name += "/"
	}
	names, err := storage.Glob(t.Context(), root, name)
	if err != nil && fault.CodeOf(err) != fault.NotFound {
		t.Fatal(err)
	}
	var starts []storage.Start
	for _, n := range names {
		starts = append(starts, storage.Start{Dir: root, Path: n})
	}
	return starts
}

// withoutTop makes what is in the one directory at the top lie there itself.
func withoutTop(entries []tree.Entry) []tree.Entry {
	var in []tree.Entry
	for _, e := range entries {
		if e.Parent == 1 {
			e.Parent = 0
		}
		if e.ID != 1 {
			in = append(in, e)
		}
	}
	return in
}
