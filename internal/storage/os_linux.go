package storage

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// freeSpace returns what is free on f's file system for our user, in bytes, if
// it is known.
func freeSpace(f *os.File) (uint64, bool, error) {
	var st unix.Statfs_t
	if err := control(f, func(fd int) error { return unix.Fstatfs(fd, &st) }); err != nil {
		return 0, false, err
	}
	if st.Blocks == 0 {
		return 0, false, nil // a tmpfs without a limit, some of FUSE
	}
	blocks := st.Bavail
	if os.Geteuid() == 0 {
		blocks = st.Bfree // the reserve is for root
	}
	return product(blocks, uint64(st.Frsize)), true, nil
}

// preallocate reserves size bytes for f where that is a matter of a few extents.
// Elsewhere it would write them, or does nothing that the writes do not: tmpfs
// would fill and zero every page twice.
func preallocate(f *os.File, size int64) error {
	return control(f, func(fd int) error {
		var st unix.Statfs_t
		if err := unix.Fstatfs(fd, &st); err != nil {
			return err
		}
		if !reserves(uint32(st.Type)) { // on 32 bits it is signed
			return nil
		}
		return unix.Fallocate(fd, 0, 0, size)
	})
}

// reserves reports whether preallocate does anything on a file system of that kind.
func reserves(kind uint32) bool {
	switch kind {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC:
		return true
	}
	return false
}

// allocated returns what f takes on disk. Zero blocks may also mean that the
// file system does not count or has not got round to it, so a file that is one
// big hole is said to take one block.
func allocated(f *os.File, info fs.FileInfo) int64 {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	if st.Blocks == 0 && st.Size > statBlock {
		err := control(f, func(fd int) error {
			_, err := unix.Seek(fd, 0, unix.SEEK_DATA)
			return err
		})
		if errors.Is(err, unix.ENXIO) {
			return statBlock
		}
	}
	return st.Blocks * statBlock
}

// setModTime sets the time of f's last change and leaves that of the last access
// alone.
func setModTime(f *os.File, _ *os.Root, _ string, t time.Time) error {
	return control(f, func(fd int) error { return setModTimeOf(fd, t) })
}

func setModTimeOf(fd int, t time.Time) error {
	modified, err := unix.TimeToTimespec(t)
	if err != nil {
		return err
	}
	times := [...]unix.Timespec{{Nsec: unix.UTIME_OMIT}, modified}
	err = unix.UtimesNanoAt(fd, "", times[:], unix.AT_EMPTY_PATH)
	if errors.Is(err, unix.EINVAL) { // kernels before 5.8
		return unix.UtimesNanoAt(unix.AT_FDCWD, procPath(fd), times[:], 0)
	}
	return err
}
