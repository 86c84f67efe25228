package storage

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// A FIFO on the way blocks nobody, and one at the end is a name like others.
func TestGlobSpecials(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	specials(t, dir)
	d := openDir(t, dir)
	for _, pattern := range []string{"*/*", "fifo/*", "link/*"} {
		_, err := Glob(d, pattern)
		wantFault(t, err, fault.NotFound)
	}
	got, err := Glob(d, "fi*")
	if diff := cmp.Diff([]string{"fifo"}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestGlobUnreadable(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := plant(t, t.TempDir(), "a/x", "b/x")
	d := openDir(t, dir)
	for _, name := range []string{"/a", "/b"} {
		if err := os.Chmod(dir+name, 0); err != nil {
			t.Fatal(err)
		}
	}
	unprivileged(t, dir, func() {
		_, err := Glob(d, "*/x*")
		wantFault(t, err, fault.Permission)
	})
	if err := os.Chmod(dir+"/b", 0o755); err != nil {
		t.Fatal(err)
	}
	unprivileged(t, dir, func() {
		got, err := Glob(d, "*/x*")
		if diff := cmp.Diff([]string{"b/x"}, got); diff != "" || err != nil {
			t.Error(err, diff)
		}
	})
}
