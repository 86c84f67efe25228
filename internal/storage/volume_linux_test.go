package storage

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// tried opens a directory and tries its file system.
func tried(t *testing.T, path string) Volume {
	t.Helper()
	d, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	v, err := d.Try(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A disk is written to past the page cache, as it is by copies, and nothing is left there.
func TestTry(t *testing.T) {
	t.Parallel()
	dir := onDisk(t)
	if err := os.Remove(filepath.Join(dir, "probe")); err != nil {
		t.Fatal(err)
	}
	v := tried(t, dir)
	if v.Untried != "" || v.Buffered != "" || v.Memory || v.ReadOnly || !v.Known || v.Free == 0 {
		t.Errorf("%+v", v)
	}
	if v.Wrote < tryBlock || v.Wrote > tryBytes || v.Rate() <= 0 {
		t.Errorf("%d bytes in %v, %v a second", v.Wrote, v.Took, v.Rate())
	}
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	if v.Kind != kinds[uint32(st.Type)] || v.Reserves != reserves(uint32(st.Type)) {
		t.Errorf("a file system of number %#x: %+v", st.Type, v)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left there: %v, %v", left, err)
	}
}

// What only looks neither writes nor says that it did.
func TestVolume(t *testing.T) {
	t.Parallel()
	d, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	v, err := d.Volume()
	if err != nil || v.Wrote != 0 || v.Rate() != 0 || v.Kind == "" || v.Free == 0 {
		t.Errorf("%+v, %v", v, err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if v, err := d.Try(gone); err != nil || v.Wrote != 0 {
		t.Errorf("nobody waits for it: %+v, %v", v, err)
	}
	_ = d.Close()
	if _, err := d.Volume(); fault.CodeOf(err) == fault.OK {
		t.Error("a directory that is closed is looked at")
	}
}

// Where there is no disk, or no file without a name, nothing is written.
func TestTryElsewhere(t *testing.T) {
	t.Parallel()
	if v := tried(t, inMemoryDir(t)); v.Kind != "tmpfs" || !v.Memory || v.Untried != "" || v.Wrote != 0 {
		t.Errorf("tmpfs: %+v", v)
	}
	if v := tried(t, "/proc/self"); !strings.Contains(v.Untried, "without a name") || v.Wrote != 0 || v.Known {
		t.Errorf("/proc: %+v", v)
	}
}
