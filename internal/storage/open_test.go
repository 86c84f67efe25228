package storage

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// A file that is another one than the walk has seen is not copied, whether that
// shows when it is opened or later.
func TestOpenChanged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(path string) error
		why    string // empty: no change that matters
	}{
		{"nothing", func(string) error { return nil }, ""},
		{"read", func(p string) error { _, err := os.ReadFile(p); return err }, ""},
		{"chmod", func(p string) error { return os.Chmod(p, 0o400) }, ""},
		{"linked", func(p string) error { return os.Link(p, p+".2") }, ""},
		{"removed", os.Remove, "it was removed"},
		{"replaced", func(p string) error {
			return errors.Join(os.WriteFile(p+".2", make([]byte, 1<<20), 0o600), os.Rename(p+".2", p))
		}, "it is another file now"},
		{"longer", func(p string) error { return os.Truncate(p, 1<<20) }, "its size went from"},
		{"shorter", func(p string) error { return os.Truncate(p, 5) }, "it"},
		{"touched", func(p string) error { return os.Chtimes(p, stamp.AddDate(0, 0, 1), stamp.AddDate(0, 0, 1)) }, "it was modified at 2001-02-04"},
		{"a directory", func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) }, "it is"},
		{"a link", func(p string) error { return errors.Join(os.Rename(p, p+".2"), os.Symlink(p+".2", p)) }, "something else has come"},
	}
	for _, size := range []int{1000, lookedAtOnce + 1} {
		for _, forgotten := range []bool{false, true} {
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					t.Parallel()
					path := filepath.Join(t.TempDir(), "f")
					write(t, path, strings.Repeat("x", size))
					w := walkPath(t, allOf, path)
					if forgotten {
						w.recent.files = nil
					}
					if err := tt.change(path); err != nil {
						t.Fatal(err)
					}
					text, err := w.read("f")
					if tt.why != "" {
						code := fault.SourceChanged
						if tt.name == "removed" {
							code = fault.Vanished
						}
						wantFault(t, unjoined(err), code, tt.why, path)
					} else if err != nil || len(text) != size {
						t.Errorf("%d bytes, %v", len(text), err)
					}
				})
			}
		}
	}
}

// unjoined is the first of joined errors.
func unjoined(err error) error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return many.Unwrap()[0]
	}
	return err
}

// A file that is rewritten with its old time shows, even between the walk and the
// open, as long as the walk remembers it.
func TestOpenRewritten(t *testing.T) {
	t.Parallel()
	for _, size := range []int{10, lookedAtOnce + 1} {
		path := filepath.Join(t.TempDir(), "f")
		write(t, path, strings.Repeat("a", size))
		w := walkPath(t, allOf, path)
		f, err := w.Open(w.entries["f"])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.ReadAt(make([]byte, size), 0); err != nil {
			t.Error(err)
		}
		write(t, path, strings.Repeat("b", size))
		wantFault(t, f.Unchanged(), fault.SourceChanged, "rewritten with its old time")
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A file that is changed again within the clock tick of the change before shows
// the same times: nothing is read of it until the tick is over.
func TestOpenWithinATick(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	for i := range 20 {
		if err := os.WriteFile(path, []byte("aa"), 0o644); err != nil {
			t.Fatal(err)
		}
		w := walkPath(t, allOf, path)
		f, err := w.Open(w.entries["f"])
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 2)
		if _, err := f.ReadAt(b, 0); err != nil || string(b) != "aa" {
			t.Fatalf("%q, %v", b, err)
		}
		if err := os.WriteFile(path, []byte("bb"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := f.Unchanged(); fault.CodeOf(err) != fault.SourceChanged {
			t.Errorf("round %d: %v", i, err)
		}
		_ = f.Close()
	}
}

func TestOpenWrong(t *testing.T) {
	t.Parallel()
	dir := plant(t, t.TempDir(), "d/f", "d/empty")
	if err := os.Truncate(dir+"/d/empty", 0); err != nil {
		t.Fatal(err)
	}
	w := walkPath(t, allOf, dir+"/d")
	w.wantText(t, "d/empty", "")
	for _, e := range []tree.Entry{{}, w.entries["d"], {ID: 9, Kind: tree.File, Name: "f"}, {ID: 9, Parent: 99, Kind: tree.File, Name: "f"}} {
		_, err := w.Open(e)
		wantFault(t, err, fault.Internal)
	}
}

// The memory of a walk wraps around.
func TestRecentFiles(t *testing.T) {
	t.Parallel()
	var r recentFiles
	for id := int64(1); id <= 2*maxRecent+10; id++ {
		r.put(id, &status{size: id})
	}
	for id, want := range map[int64]bool{
		0: false, 1: false, maxRecent: false, maxRecent + 10: false, maxRecent + 11: true, 2*maxRecent + 10: true, 2*maxRecent + 11: false,
	} {
		f, ok := r.get(id)
		if ok != want || ok && f.status.size != id {
			t.Errorf("%d: %v, %+v", id, ok, f)
		}
	}
	if len(r.files) != maxRecent {
		t.Errorf("%d are remembered", len(r.files))
	}
}
