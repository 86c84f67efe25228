package storage

import (
	"context"
	"fmt"
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
		_, err := Glob(t.Context(), d, pattern)
		wantFault(t, err, fault.NotFound)
	}
	got, err := Glob(t.Context(), d, "fi*")
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
		_, err := Glob(t.Context(), d, "*/x*")
		wantFault(t, err, fault.Permission)
	})
	if err := os.Chmod(dir+"/b", 0o755); err != nil {
		t.Fatal(err)
	}
	unprivileged(t, dir, func() {
		got, err := Glob(t.Context(), d, "*/x*")
		if diff := cmp.Diff([]string{"b/x"}, got); diff != "" || err != nil {
			t.Error(err, diff)
		}
	})
}

// A pattern that stands for more than anybody may ask for at once is refused, and one whose
// asker has gone is given up.
func TestGlobBounds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 257 {
		plant(t, dir, fmt.Sprintf("d/%d", i))
		symlink(t, "d", fmt.Sprintf("%s/l%d", dir, i)) // as if it held the same again
	}
	d := openDir(t, dir)
	for pattern, code := range map[string]fault.Code{"*/*": fault.Limit, "*/*/x": fault.NotFound, "*/[12]*/": fault.NotFound, "l1*/*": fault.OK} {
		got, err := Glob(t.Context(), d, pattern)
		if fault.CodeOf(err) != code || code == fault.OK && len(got) != 111*257 {
			t.Errorf("%s: %d names, %v", pattern, len(got), err)
		}
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, pattern := range []string{"*", "*/*", "*/1"} {
		if _, err := Glob(gone, d, pattern); fault.CodeOf(err) != fault.Interrupted {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}
