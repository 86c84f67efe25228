package storage

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// syncFS brings the file system that dir lies on to stable storage.
func syncFS(dir *os.File) error { return control(dir, unix.Syncfs) }

// tellsOfFailures reports whether syncFS does what an fsync of each file does: up
// to Linux 5.8 it swallows errors, and some file systems do nothing at all.
func tellsOfFailures(dir *os.File) bool {
	if !kernelAtLeast(5, 8) {
		return false
	}
	var st unix.Statfs_t
	if err := control(dir, func(fd int) error { return unix.Fstatfs(fd, &st) }); err != nil {
		return false
	}
	switch uint32(st.Type) { // on 32 bits it is signed
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.TMPFS_MAGIC:
		return true
	}
	return false
}

// kernelAtLeast reports whether the kernel is of this version or a later one.
func kernelAtLeast(major, minor int) bool {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return false
	}
	var v [2]int
	i := 0
	for _, c := range u.Release {
		switch {
		case c >= '0' && c <= '9':
			v[i] = v[i]*10 + int(c-'0')
			continue
		case c == '.' && i == 0:
			i++
			continue
		}
		break
	}
	return v[0] > major || v[0] == major && v[1] >= minor
}

// sameDevice reports whether two directories lie on one file system.
func sameDevice(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return false
	}
	one, ok := a.Sys().(*syscall.Stat_t)
	other, too := b.Sys().(*syscall.Stat_t)
	return ok && too && one.Dev == other.Dev
}
