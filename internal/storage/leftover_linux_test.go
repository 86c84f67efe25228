package storage

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/testenv"
)

// What someone planted at the partial's name is not written to.
func TestPlantedPartial(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		plant func(victim, partial string) error
		code  fault.Code // OK: it is set aside
		why   string
	}{
		{"symbolic link", func(victim, partial string) error { return os.Symlink(filepath.Base(victim), partial) }, fault.NotRegular, "is a symbolic link"},
		{"dangling link", func(_, partial string) error { return os.Symlink("made", partial) }, fault.NotRegular, "is a symbolic link"},
		{"FIFO", func(_, partial string) error { return unix.Mkfifo(partial, 0o666) }, fault.NotRegular, "is a FIFO"},
		{"directory", func(_, partial string) error { return os.Mkdir(partial, 0o755) }, fault.NotRegular, "is a directory"},
		{"hard link", os.Link, fault.OK, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path, victim := filepath.Join(dir, "f"), filepath.Join(dir, "victim")
			write(t, victim, oldText)
			if err := tt.plant(victim, filepath.Join(dir, partialName("f"))); err != nil {
				t.Fatal(err)
			}
			err := copyTo(t.Context(), path, nil)
			if tt.code == fault.OK {
				if err != nil {
					t.Error(err)
				}
				wantText(t, path, newText)
				wantNames(t, dir, "f", "victim")
			} else {
				wantFault(t, err, tt.code, tt.why, "remove it")
				wantNames(t, dir, partialName("f"), "victim")
			}
			wantText(t, victim, oldText)
		})
	}
}

// What a killed run left is not written to, whatever file it may have become: it goes.
func TestLeftoverGoes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	partial := filepath.Join(dir, partialName("f"))
	write(t, partial, oldText)
	left, err := os.Open(partial)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = left.Close() })
	if err := copyTo(t.Context(), filepath.Join(dir, "f"), nil); err != nil {
		t.Fatal(err)
	}
	wantText(t, filepath.Join(dir, "f"), newText)
	wantNames(t, dir, "f")
	if b, err := io.ReadAll(left); err != nil || string(b) != oldText {
		t.Errorf("what was left holds %q now, %v", b, err)
	}
}

// Another user's leftover does not become the owner of our file.
func TestForeignLeftover(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := t.TempDir()
	path, partial := filepath.Join(dir, "f"), filepath.Join(dir, partialName("f"))
	write(t, partial, oldText)
	if err := os.Chown(partial, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	if err := copyTo(t.Context(), path, nil); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if !ours(info) {
		t.Error("the file is not ours")
	}
}

// As a user who may not: nothing is made, nothing opened, and it is told why.
func TestPermission(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := t.TempDir()
	closed, shared := mkdir(t, dir, "closed"), mkdir(t, dir, "shared")
	write(t, filepath.Join(closed, "f"), oldText)
	write(t, filepath.Join(shared, partialName("f")), oldText)
	if err := os.Chmod(shared, 0o777); err != nil {
		t.Fatal(err)
	}
	d := openDir(t, dir)
	asNobody(t, func() {
		_, err := d.Create("closed/new", newMeta())
		wantFault(t, err, fault.Permission, "creating "+filepath.Join(closed, "new"), "permission denied")
		_, err = d.Source("closed/f")
		wantFault(t, err, fault.Permission, "opening "+filepath.Join(closed, "f"), "permission denied")
		_, err = d.Create("shared/f", newMeta())
		wantFault(t, err, fault.Permission, "belongs to another user", "remove it")
	})
	wantNames(t, closed, "f")
	wantNames(t, shared, partialName("f"))
}

const nobody = 65534

// asNobody runs fn with an ordinary user's rights to files. Those are the
// thread's own, which is why fn stays on it.
func asNobody(t *testing.T, fn func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, err := unix.SetfsuidRetUid(nobody); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := unix.SetfsuidRetUid(0); err != nil {
			t.Error(err)
		}
	}()
	fn()
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		testenv.Missing(t, "root: it changes users")
	}
}
