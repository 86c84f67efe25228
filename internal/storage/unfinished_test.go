package storage

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// sapling is a tree that a copy may be interrupted in.
func sapling() *trees {
	var ts trees
	top := ts.dir("src")
	top.Meta.Device, top.Meta.Inode = 1, 99
	ts.file("src/a", newText)
	ts.dir("src/sub")
	ts.file("src/sub/b", newText)
	return &ts
}

var grown = map[string]string{"a": newText, "sub/": "", "sub/b": newText}

// interrupt begins a copy of ts and ends it when some of it is there.
func interrupt(t *testing.T, ts *trees, land func() (*Store, error)) {
	t.Helper()
	s, err := land()
	if err != nil {
		t.Fatal(err)
	}
	for _, th := range ts.things[:2] {
		if v := s.Add(t.Context(), th.Entry); v.Fault != nil {
			t.Fatal(v.Fault)
		}
	}
	closeStore(t, s)
}

// A tree that was interrupted goes on where it was, though its name is there now;
// once it is complete, its name is a directory like any other.
func TestTreeGoesOn(t *testing.T) {
	t.Parallel()
	for i, way := range []string{"local", "jailed"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			base := t.TempDir()
			land := landBoth(t, base, "new", tree.Auto, false)[i]
			for range 2 {
				interrupt(t, sapling(), land)
			}
			for _, want := range []string{"new", "new/src"} {
				s, err := land()
				if err != nil {
					t.Fatal(err)
				}
				noFault(t, sapling().send(t.Context(), s))
				if on := s.GoesOn(); on != (want == "new") {
					t.Errorf("%s: it goes on: %v", want, on)
				}
				closeStore(t, s)
				if want == "new" {
					wantTree(t, filepath.Join(base, want), grown)
					top, err := os.Stat(filepath.Join(base, want))
					if err != nil || !top.ModTime().Equal(stamp) {
						t.Errorf("%v, %v", top, err)
					}
					continue
				}
				wantTree(t, filepath.Join(base, want), grown)
			}
		})
	}
}

// What is another tree goes into the directory.
func TestOtherTreeDoesNotGoOn(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, dst string, ts *trees){
		"name":    func(_ *testing.T, _ string, ts *trees) { ts.things[0].Name = "other" },
		"inode":   func(_ *testing.T, _ string, ts *trees) { ts.things[0].Meta.Inode++ },
		"device":  func(_ *testing.T, _ string, ts *trees) { ts.things[0].Meta.Device++ },
		"unknown": func(_ *testing.T, _ string, ts *trees) { ts.things[0].Meta.Inode = 0 },
		"planted": func(t *testing.T, dst string, _ *trees) {
			t.Helper()
			if err := os.Link(filepath.Join(dst, treeMark), filepath.Join(filepath.Dir(dst), "again")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dst := filepath.Join(t.TempDir(), "new")
			interrupt(t, sapling(), func() (*Store, error) { return Land(dst, tree.Auto, false, archive()) })
			ts := sapling()
			change(t, dst, ts)
			noFault(t, ts.landAt(t, dst, tree.Auto, archive()))
			wantTree(t, filepath.Join(dst, ts.things[0].Name), grown)
			wantNames(t, dst, treeMark, ts.things[0].Name)
		})
	}
}

// As long as something is missing, the tree goes on.
func TestTreeGoesOnAfterProblems(t *testing.T) {
	t.Parallel()
	dst := filepath.Join(t.TempDir(), "new")
	ts := sapling()
	ts.things[3].Name = "no/b"
	for range 2 {
		out := ts.landAt(t, dst, tree.Auto, archive())
		wantFault(t, out.failed(), fault.Usage, "slash")
		wantNames(t, dst, treeMark, "a", "sub")
	}
	noFault(t, sapling().landAt(t, dst, tree.Auto, archive()))
	wantTree(t, dst, grown)
}

// The mark is nobody's: it is not deleted as something that the source has not,
// and not told of.
func TestTreeGoesOnAndDeletes(t *testing.T) {
	t.Parallel()
	dst := filepath.Join(t.TempDir(), "new")
	interrupt(t, sapling(), func() (*Store, error) { return Land(dst, tree.Auto, false, archive()) })
	write(t, filepath.Join(dst, "extra"), oldText)
	o := archive()
	o.Delete, o.DryRun = true, true
	for _, left := range [][]string{{treeMark, "extra"}, {"a", "sub"}} {
		out := sapling().landAt(t, dst, tree.Auto, o)
		noFault(t, out)
		if !slices.Equal(out.removed, []string{"extra"}) {
			t.Errorf("removed %q", out.removed)
		}
		wantNames(t, dst, left...)
		o.DryRun = false
	}
}

// The whole of the same directory, copied as what is in it, is a tree that is
// complete.
func TestContentsCompleteTree(t *testing.T) {
	t.Parallel()
	dst := filepath.Join(t.TempDir(), "new")
	interrupt(t, sapling(), func() (*Store, error) { return Land(dst, tree.Auto, false, archive()) })
	ts := sapling()
	ts.things[0].Name, ts.things[0].Meta.Inode = "", 98
	noFault(t, ts.landAt(t, dst, tree.Contents, archive()))
	wantNames(t, dst, treeMark, "a", "sub")
	ts.things[0].Meta.Inode = 99
	noFault(t, ts.landAt(t, dst, tree.Contents, archive()))
	wantTree(t, dst, grown)
}

// The mark is a name of ours.
func TestTreeMarkIsOurs(t *testing.T) {
	t.Parallel()
	if !isPartialName(treeMark) || !strings.HasPrefix(treeMark, ".") {
		t.Error(treeMark)
	}
}

// Where the mark fails, it is told. It stays, or comes again, where the directory
// did not get all that it should.
func TestTreeMarkFails(t *testing.T) {
	t.Parallel()
	for failing, left := range map[step][]string{
		stepMark: nil, stepPutMade: nil, stepUnmark: {treeMark, "a", "sub"}, stepTimes: {treeMark, "a", "sub"},
	} {
		top := t.TempDir()
		dst := filepath.Join(top, "new")
		s, err := Land(dst, tree.Auto, false, archive())
		if err != nil {
			t.Fatal(err)
		}
		unmarked := false
		s.seam = func(st step, call func() error) error {
			unmarked = unmarked || st == stepUnmark
			if st == failing && (unmarked || left == nil) {
				return syscall.EIO
			}
			return call()
		}
		if err := sapling().send(t.Context(), s).failed(); err == nil {
			t.Errorf("%s failed, and nobody was told", failing)
		}
		closeStore(t, s)
		if left == nil {
			wantNames(t, top)
			continue
		}
		wantNames(t, dst, left...)
	}
}

// A directory has its name no sooner than its mark: at every step up to that there is none,
// and what a run that was killed there has left is used up by the next.
func TestTreeMarkFirst(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dst := filepath.Join(top, "new")
	s, err := Land(dst, tree.Auto, false, archive())
	if err != nil {
		t.Fatal(err)
	}
	var found [][]string
	s.seam = func(st step, call func() error) error {
		err := call()
		if st != stepMkdir && st != stepMark && st != stepPutMade || len(found) > 2 {
			return err
		}
		found = append(found, namesOf(t, top))
		return err
	}
	noFault(t, sapling().send(t.Context(), s))
	closeStore(t, s)
	hidden := ownName("new", treeSuffix)
	if want := [][]string{{hidden}, {hidden}, {"new"}}; !slices.EqualFunc(found, want, slices.Equal) {
		t.Errorf("step by step there are %q, want %q", found, want)
	}
	wantTree(t, dst, grown)

	for _, left := range []string{hidden, filepath.Join(hidden, treeMark)} {
		if err := errors.Join(os.RemoveAll(dst), os.MkdirAll(filepath.Join(top, hidden), 0o700)); err != nil {
			t.Fatal(err)
		}
		if left != hidden {
			write(t, filepath.Join(top, left), "half a mark")
		}
		noFault(t, sapling().landAt(t, dst, tree.Auto, archive()))
		wantTree(t, dst, grown)
		wantNames(t, top, "new")
	}
}
