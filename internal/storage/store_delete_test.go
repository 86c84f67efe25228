package storage

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// clutter is a destination that has more than the source.
func clutter(t *testing.T) (string, *trees) {
	t.Helper()
	dir := t.TempDir()
	mkdir(t, dir, "d", "sub", "deep")
	mkdir(t, dir, "d", "kept")
	mkdir(t, dir, "untold")
	for _, name := range []string{"outside", "d/extra", "d/f", "d/sub/1", "d/sub/deep/2", "d/kept/3", "untold/4", "d/.rdmacp-partial"} {
		write(t, filepath.Join(dir, name), oldText)
	}
	symlink(t, "../../untold", filepath.Join(dir, "d", "sub", "link"))
	var ts trees
	ts.dir("d")
	ts.file("d/f", newText)
	ts.dir("d/kept")
	ts.dir("d/new")
	return dir, &ts
}

func TestDelete(t *testing.T) {
	t.Parallel()
	all := []string{"d/.rdmacp-partial", "d/extra", "d/kept/3", "d/sub", "d/sub/1", "d/sub/deep", "d/sub/deep/2", "d/sub/link"}
	for _, dry := range []bool{true, false} {
		dir, ts := clutter(t)
		o := archive()
		o.Delete, o.DryRun = true, dry
		out := ts.landAt(t, dir, tree.Into, o)
		noFault(t, out)
		slices.Sort(out.removed)
		if diff := cmp.Diff(all, out.removed); diff != "" {
			t.Errorf("dry run %v: removed (-want +got):\n%s", dry, diff)
		}
		if dry {
			wantText(t, filepath.Join(dir, "d", "sub", "deep", "2"), oldText)
			continue
		}
		wantTree(t, dir, map[string]string{
			"outside": oldText, "untold/": "", "untold/4": oldText, "d/": "", "d/f": newText, "d/kept/": "", "d/new/": "",
		})
	}
}

// What the rules leave out at the source is not removed, nor what it is in.
func TestDeleteKeeps(t *testing.T) {
	t.Parallel()
	dir, ts := clutter(t)
	o := archive()
	o.Delete = true
	o.Keep = []tree.Rule{{Pattern: "deep/"}, {Pattern: "/d/extra"}, {Pattern: "3", Include: true}, {Pattern: "[0-9]"}}
	out := ts.landAt(t, dir, tree.Into, o)
	noFault(t, out)
	slices.Sort(out.removed)
	if diff := cmp.Diff([]string{"d/.rdmacp-partial", "d/kept/3", "d/sub/link"}, out.removed); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
}

// Beyond the limit nothing is removed, and it is told how much is left.
func TestMaxDelete(t *testing.T) {
	t.Parallel()
	for limit, left := range map[int]string{0: "8 are left", 3: "5 are left", 7: "1 are left", 8: "", 9: "", -1: ""} {
		dir, ts := clutter(t)
		o := archive()
		o.Delete, o.MaxDelete = true, limit
		out := ts.landAt(t, dir, tree.Into, o)
		want := limit
		if limit < 0 || limit > 8 {
			want = 8
		}
		if len(out.removed) != want {
			t.Errorf("limit %d: removed %q", limit, out.removed)
		}
		if left == "" {
			noFault(t, out)
			continue
		}
		if len(out.problems) != 1 {
			t.Fatalf("limit %d: problems %v", limit, out.problems)
		}
		wantFault(t, out.problems[0].Fault, fault.Limit, left)
	}
}

// After an error nothing is deleted, whoever has seen it.
func TestNoDeleteAfterErrors(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"source", "add", "commit", "link"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			dir, ts := clutter(t)
			o := archive()
			o.Delete = true
			s, err := Land(dir, tree.Into, false, o)
			if err != nil {
				t.Fatal(err)
			}
			defer closeStore(t, s)
			switch where {
			case "add":
				ts.file("d/kept/", newText).Name = "a/b"
			case "commit":
				s.seam = func(st step, call func() error) error {
					if st == stepRename {
						return os.ErrPermission
					}
					return call()
				}
			case "link":
				ts.symlink("d/l", "x")
				s.seam = func(st step, call func() error) error {
					if st == stepMake {
						return os.ErrPermission
					}
					return call()
				}
			}
			for _, th := range ts.things {
				v := s.Add(t.Context(), th.Entry)
				if v.Answer != tree.Want {
					continue
				}
				l, err := s.Open(th.Entry, v)
				if err != nil {
					t.Fatal(err)
				}
				var sent int64
				if err := th.send(l, v, &sent); err != nil {
					t.Error(err)
				}
				s.Commit(t.Context(), []tree.Landing{l})
			}
			err = s.Finish(t.Context(), where != "source", tree.Notes{Removed: func(path string) { t.Errorf("%s was removed", path) }})
			if err != nil {
				t.Error(err)
			}
			wantText(t, filepath.Join(dir, "d", "extra"), oldText)
		})
	}
}

// What another copy is at work with stays; what nobody uses any more goes.
func TestDeleteLeftovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mkdir(t, dir, "d")
	busy, err := Create(filepath.Join(dir, "d", "busy"), newMeta())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	for _, name := range []string{partialName("dead"), journalName("dead"), journalName("busy"), journalName("alone"), linkName("young")} {
		write(t, filepath.Join(dir, "d", name), oldText)
	}
	var ts trees
	ts.dir("d")
	o := archive()
	o.Delete = true
	noFault(t, ts.landAt(t, dir, tree.Into, o))
	wantNames(t, filepath.Join(dir, "d"), partialName("busy"), journalName("busy"), linkName("young"))
}

// The same directory from two sources has what both have.
func TestDeleteMerged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mkdir(t, dir, "d")
	write(t, filepath.Join(dir, "d", "extra"), oldText)
	var ts trees
	ts.dir("d")
	ts.file("d/a", newText)
	ts.dir("d")
	ts.file("d/b", newText)
	o := archive()
	o.Delete = true
	noFault(t, ts.landAt(t, dir, tree.Into, o))
	wantTree(t, dir, map[string]string{"d/": "", "d/a": newText, "d/b": newText})
	fresh := mkdir(t, dir, "fresh")
	noFault(t, ts.landAt(t, fresh, tree.Into, o))
	wantTree(t, fresh, map[string]string{"d/": "", "d/a": newText, "d/b": newText})
}
