package storage

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// openBypass opens a file that is open already once more, for O_DIRECT, and returns
// what offsets, lengths and addresses have to be multiples of. File systems that only
// pretend, and copy, do not tell that (statx(2), since Linux 6.1).
func openBypass(fd, flags int) (*os.File, int, error) {
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_DIOALIGN, &st); err != nil {
		return nil, 0, fmt.Errorf("asking the file system: %w", err)
	}
	if st.Mask&unix.STATX_DIOALIGN == 0 || st.Dio_mem_align == 0 {
		return nil, 0, errors.New("the file system, or a kernel before 6.1, does not say that it can")
	}
	unit := max(os.Getpagesize(), int(st.Dio_mem_align), int(st.Dio_offset_align))
	// By its name the file could be another one meanwhile.
	file, err := os.OpenFile(procPath(fd), flags|unix.O_DIRECT, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("opening the file again: %w", err)
	}
	return file, unit, nil
}

// livesInMemory reports whether the pages of a file's page cache are all that there is
// of it, so that whoever writes to them has written the file.
func livesInMemory(f *os.File) bool {
	var st unix.Statfs_t
	err := control(f, func(fd int) error { return unix.Fstatfs(fd, &st) })
	return err == nil && uint32(st.Type) == unix.TMPFS_MAGIC // on 32 bits it is signed
}

// readCached reads what of p the page cache has, without waiting for a disk.
func readCached(fd int, p []byte, off int64) (int, error) {
	n, err := unix.Preadv2(fd, [][]byte{p}, off, unix.RWF_NOWAIT)
	if errors.Is(err, unix.EAGAIN) {
		return 0, nil
	}
	return max(n, 0), err
}
