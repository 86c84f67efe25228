package storage

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// A file that was found to be equal is kept only if it still stands there, and
// still is, whenever somebody comes by. At the latest, its name is looked at again.
func TestKept(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		meddle func(path string) error
		words  string // in the fault; empty: there is none
		stands string
	}{
		{"removed", os.Remove, "it is not there any more", ""},
		{"replaced", func(path string) error {
			other := path + ".other"
			return errors.Join(os.WriteFile(other, []byte(strings.ToUpper(long)), 0o640), os.Chtimes(other, stamp, stamp), os.Rename(other, path))
		}, "it is another file now", strings.ToUpper(long)},
		{"moved away", func(path string) error {
			return errors.Join(os.Rename(path, path+".away"), os.Mkdir(path, 0o700))
		}, "it is another file now", "a directory"},
		{"rewritten with its old time and another mode", func(path string) error {
			return errors.Join(os.WriteFile(path, []byte(strings.ToUpper(long)), 0), os.Chtimes(path, stamp, stamp), os.Chmod(path, 0o604))
		}, "it holds something else now", strings.ToUpper(long)},
		{"cut off", func(path string) error { return os.Truncate(path, 100) }, "its size went from 2400 to 100 bytes", long[:100]},
		{"touched", func(path string) error { return os.Chmod(path, 0o604) }, "", long},
	} {
		for _, when := range []step{"", stepSync} {
			t.Run(tt.name+"/"+string(when), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				path := filepath.Join(dir, "f")
				write(t, path, long)
				err := keep(t, dir, when, func() error { return tt.meddle(path) })
				if tt.words == "" && err != nil {
					t.Error(err)
				} else if tt.words != "" {
					wantFault(t, err, fault.IO, path, tt.words)
				}
				switch tt.stands {
				case "":
					wantNames(t, dir)
				case "a directory":
					wantNames(t, dir, "f", "f.away")
				default:
					wantTree(t, dir, map[string]string{"f": tt.stands})
				}
			})
		}
	}
}

// keep commits a file that the destination has already. Somebody meddles behind
// that step of the Commit, or ahead of all.
func keep(t *testing.T, dir string, when step, meddle func() error) error {
	t.Helper()
	o := archive()
	o.Checksum = true
	s, err := Land(dir, tree.Into, false, o)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	s.seam = func(st step, call func() error) error {
		err := call()
		if st == when {
			err = errors.Join(err, meddle())
		}
		return err
	}
	var ts trees
	th := ts.file("f", long)
	v := s.Add(t.Context(), th.Entry)
	l, err := s.Open(th.Entry, v)
	if err != nil {
		t.Fatal(err)
	}
	var sent int64
	if err := th.send(l, v, &sent); err != nil || sent != 0 {
		t.Fatalf("%d sent, %v", sent, err)
	}
	if when == "" {
		if err := meddle(); err != nil {
			t.Fatal(err)
		}
	}
	return s.Commit(t.Context(), []tree.Landing{l})[0]
}

// What is kept is on stable storage before it counts, with its name.
func TestKeptSteps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "f"), long)
	o := archive()
	o.Checksum = true
	s, err := Land(dir, tree.Into, false, o)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	var all []step
	s.seam = func(st step, call func() error) error {
		all = append(all, st)
		return call()
	}
	var ts trees
	th := ts.file("f", long)
	v := s.Add(t.Context(), th.Entry)
	l, err := s.Open(th.Entry, v)
	if err != nil {
		t.Fatal(err)
	}
	var sent int64
	if err := th.send(l, v, &sent); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), []tree.Landing{l})[0]; err != nil {
		t.Error(err)
	}
	if want := []step{stepChmod, stepTimes, stepSync, stepSyncDir}; !slices.Equal(all, want) {
		t.Errorf("steps %v, want %v", all, want)
	}
}

// Two names of one file at the destination are two files of the source's: what is
// set at one is not taken for somebody else's work on the other.
func TestKeptTwice(t *testing.T) {
	t.Parallel()
	for _, together := range []bool{true, false} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "a"), long)
		if err := os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "b")); err != nil {
			t.Fatal(err)
		}
		o := archive()
		o.Checksum = true
		s, err := Land(dir, tree.Into, false, o)
		if err != nil {
			t.Fatal(err)
		}
		var ts trees
		ts.file("a", long)
		ts.file("b", long).Meta.ModTime = stamp.Add(1)
		var ls []tree.Landing
		var sent int64
		for _, th := range ts.things {
			v := s.Add(t.Context(), th.Entry)
			l, err := s.Open(th.Entry, v)
			if err != nil {
				t.Fatal(err)
			}
			ls = append(ls, l)
			if err := th.send(l, v, &sent); err != nil || sent != 0 {
				t.Errorf("%d bytes were sent, %v", sent, err)
			}
		}
		batches := [][]tree.Landing{ls}
		if !together {
			batches = [][]tree.Landing{ls[:1], ls[1:]}
		}
		for _, batch := range batches {
			for _, err := range s.Commit(t.Context(), batch) {
				if err != nil {
					t.Errorf("together %v: %v", together, err)
				}
			}
		}
		closeStore(t, s)
		wantTree(t, dir, map[string]string{"a": long, "b": long})
	}
}
