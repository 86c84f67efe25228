package storage

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/testenv"
)

// Where it is cheap, a dense file's space is reserved before a byte moves; the
// space of one with holes never is.
func TestPreallocate(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	dir := t.TempDir()
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains([]uint32{unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC}, uint32(st.Type)) {
		testenv.Missing(t, "a file system that reserves space, and not one of type %#x", st.Type)
	}
	for name, tt := range map[string]struct {
		meta Meta
		want bool
	}{
		"dense":   {Meta{Size: size, Allocated: size}, true},
		"unknown": {Meta{Size: size}, true},
		"sparse":  {Meta{Size: size, Allocated: 4096}, false},
	} {
		s, err := Create(filepath.Join(dir, name), tt.meta)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, partialName(name)))
		if err != nil {
			t.Fatal(err)
		}
		if got := allocated(s.file, info) >= size; got != tt.want || info.Size() != size {
			t.Errorf("%s: %d bytes on disk, size %d", name, allocated(s.file, info), info.Size())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestProduct(t *testing.T) {
	t.Parallel()
	if got := product(3, 4096); got != 12288 {
		t.Errorf("got %d", got)
	}
	if got := product(1<<63, 4096); got != ^uint64(0) {
		t.Errorf("got %d", got)
	}
}
