package server

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/token"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// Who has a token for one place of an export reaches nothing else of it: not by dots, other names or
// exports, paths of the host's, symbolic links, or wildcards.
func TestTokens(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	for _, dir := range []string{"data/in/deep", "data/other", "more"} {
		must(t, os.MkdirAll(filepath.Join(base, dir), 0o700))
	}
	for _, file := range []string{"data/in/a.bin", "data/in/b.bin", "data/other/secret", "more/secret"} {
		must(t, os.WriteFile(filepath.Join(base, file), nil, 0o600))
	}
	must(t, os.Symlink("../other", filepath.Join(base, "data/in/out")))
	must(t, os.Symlink("a.bin", filepath.Join(base, "data/in/link")))
	must(t, os.Symlink("../more", filepath.Join(base, "data/far")))
	es, err := openExports([]Export{{Name: "data", Path: filepath.Join(base, "data")}, {Name: "more", Path: filepath.Join(base, "more")}})
	must(t, err)
	t.Cleanup(func() { must(t, es.close()) })
	for _, tt := range []struct {
		path, wants string
		reached     string // where, from what the token is for; empty: it is not
	}{
		{"in", "in", "."},
		{"in", "in/", "."},
		{"in", "in/a.bin", "a.bin"},
		{"in", "in/deep/../a.bin", "a.bin"},
		{"in", "in/*.bin", "*.bin"},
		{".", "other/secret", "other/secret"},
		{"in", "", ""},
		{"in", "inner", ""},
		{"in", "other/secret", ""},
		{"in", "in/../other/secret", ""},
		{"in", "../more/secret", ""},
		{"in", "*/secret", ""},
		{"in/a.bin", "in/a.bin", "a.bin"},
		{"in/a.bin", "in/b.bin", ""},
		{"in/a.bin", "in", ""},
		{"in/a.bin", "in/?.bin", ""},
		{"in/a.bin", "in/a.bin/x", ""},
	} {
		view, err := es.narrow(token.Scope{Export: "data", Path: tt.path})
		must(t, err)
		targets := []wire.Target{{Export: "data", Path: tt.wants}, {Path: filepath.Join(base, "data") + "/" + tt.wants}}
		for _, target := range targets {
			p, err := exports{view}.resolve(target, []string{"token:X"})
			switch {
			case tt.reached == "" && err == nil:
				t.Errorf("a token for %s reaches %+v as %q", tt.path, target, p.name)
			case tt.reached != "" && (err != nil || p.name != tt.reached):
				t.Errorf("a token for %s reaches %+v as %q, %v; want %q", tt.path, target, p.name, err, tt.reached)
			}
		}
		if p, err := (exports{view}).resolve(wire.Target{Export: "more", Path: "secret"}, nil); err == nil {
			t.Errorf("a token for %s reaches another export: %+v", tt.path, p)
		}
		if tt.path == "in" {
			_, err := view.dir.Source("out/secret")
			if fault.CodeOf(err) != fault.NotExport {
				t.Errorf("a symbolic link leads out: %v", err)
			}
		}
		must(t, view.Close())
	}
	for _, path := range []string{"out/secret", "far", "none", "../more", "in/none/x", "in/*", "in/link"} {
		if view, err := es.narrow(token.Scope{Export: "data", Path: path}); err == nil {
			t.Errorf("there is a token for %s: %+v", path, view)
		}
	}
}

// A token's place stays what it was: who may write there, or above, cannot lead it elsewhere, and what
// is no more where it was is not written to.
func TestTokenPlace(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	in := filepath.Join(base, "in")
	must(t, os.MkdirAll(filepath.Join(in, "deep"), 0o700))
	must(t, os.MkdirAll(filepath.Join(base, "other"), 0o700))
	must(t, os.WriteFile(filepath.Join(base, "other/secret"), nil, 0o600))
	config := []Export{{Name: "data", Path: base}}
	es, err := openExports(config)
	must(t, err)
	t.Cleanup(func() { must(t, es.close()) })
	view, err := es.narrow(token.Scope{Export: "data", Path: "in/deep", Write: true})
	must(t, err)
	t.Cleanup(func() { must(t, view.Close()) })
	must(t, view.inPlace(es))
	must(t, os.Rename(filepath.Join(in, "deep"), filepath.Join(in, "away")))
	must(t, os.Symlink("../other", filepath.Join(in, "deep")))
	if err := view.inPlace(es); fault.CodeOf(err) != fault.Denied {
		t.Errorf("a link in its place: %v", err)
	}
	if _, err := view.dir.Source("secret"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("what the link leads to is reached: %v", err)
	}
	must(t, os.Remove(filepath.Join(in, "deep")))
	must(t, os.Rename(filepath.Join(in, "away"), filepath.Join(in, "deep")))
	must(t, view.inPlace(es))
	for name, changed := range map[string]Export{"another directory": {Name: "data", Path: in}, "another name": {Name: "more", Path: base}, "read-only": {Name: "data", Path: base, ReadOnly: true}} {
		now, err := openExports([]Export{changed})
		must(t, err)
		if err := view.inPlace(now); fault.CodeOf(err) != fault.Denied {
			t.Errorf("%s: %v", name, err)
		}
		must(t, now.close())
	}
	for _, path := range []string{"in/none", "other/secret", "none/x"} {
		if view, err := es.narrow(token.Scope{Export: "data", Path: path, Write: true}); err == nil {
			t.Errorf("there is a token to write to %s: %+v", path, view)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
