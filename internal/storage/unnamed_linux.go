package storage

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// takesUnnamed reports whether the file system that dir lies on can be trusted with
// files that get their name last, and whether an fsync of such a file brings it to
// stable storage before it has one.
//
// Others may have such files as well, but some make a feeble promise of them, and
// ZFS a strong one: each name that such a file gets waits for the disk.
func takesUnnamed(dir *os.File) (takes, alone bool) {
	var st unix.Statfs_t
	if err := control(dir, func(fd int) error { return unix.Fstatfs(fd, &st) }); err != nil {
		return false, false
	}
	switch uint32(st.Type) { // on 32 bits it is signed
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.TMPFS_MAGIC:
		return true, true
	case unix.BTRFS_SUPER_MAGIC:
		return true, false // its fsync leaves out what would be gone after a crash anyway
	}
	return false, false
}

// descriptor returns that of f, which is valid as long as f is open.
func descriptor(f *os.File) int {
	fd := -1
	_ = control(f, func(it int) error {
		fd = it
		return nil
	})
	return fd
}

// has reports whether there is anything called leaf in the directory; also where
// that cannot be found out.
func (h *handle) has(leaf string) bool {
	var st unix.Stat_t
	err := restarted(func() error { return unix.Fstatat(h.fd, leaf, &st, unix.AT_SYMLINK_NOFOLLOW) })
	return !errors.Is(err, unix.ENOENT)
}

// heedsModes reports whether a file that is made in the directory gets the mode
// that is asked for, less the umask: an access control list that is passed on to
// it would change it.
func (h *handle) heedsModes() bool {
	err := restarted(func() error {
		_, err := unix.Fgetxattr(h.fd, aclPrefix+"default", nil)
		return err
	})
	return errors.Is(err, unix.ENODATA) || errors.Is(err, unix.EOPNOTSUPP)
}

// makeUnnamed makes a file that has no name.
func makeUnnamed(h *handle, mode fs.FileMode) (*rawFile, error) {
	fd := -1
	err := restarted(func() (err error) {
		fd, err = unix.Openat(h.fd, ".", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, uint32(mode.Perm()))
		return err
	})
	if err != nil {
		return nil, err
	}
	return &rawFile{fd: fd}, nil
}

// cannotMake reports whether err is how a system says that it has no files without
// a name, rather than how it fails to make one.
func cannotMake(err error) bool {
	return isErrno(err, unix.EOPNOTSUPP, unix.EISDIR, unix.EINVAL, unix.ENOSYS, unix.EPERM, unix.ENOENT)
}

// cannotLink reports the same of giving it its name.
func cannotLink(err error) bool {
	return isErrno(err, unix.EOPNOTSUPP, unix.EINVAL, unix.ENOSYS, unix.EPERM, unix.ENOENT, unix.EXDEV, unix.EMLINK)
}

func isErrno(err error, among ...syscall.Errno) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && slices.Contains(among, errno)
}

// linksByPath says that this process may not link a file by its descriptor. Up to
// Linux 6.9, that is for the privileged.
var linksByPath atomic.Bool

// link gives the file a name, unless that is taken.
func (f *rawFile) link(h *handle, leaf string) error {
	return f.use(func(fd int) error {
		if !linksByPath.Load() {
			err := unix.Linkat(fd, "", h.fd, leaf, unix.AT_EMPTY_PATH)
			if !errors.Is(err, unix.ENOENT) {
				return err
			}
		}
		err := unix.Linkat(unix.AT_FDCWD, procPath(fd), h.fd, leaf, unix.AT_SYMLINK_FOLLOW)
		if err == nil {
			linksByPath.Store(true)
		}
		return err
	})
}

// WriteAt is that of io.WriterAt. Its errors are the kernel's.
func (f *rawFile) WriteAt(b []byte, off int64) (int, error) {
	done := 0
	for done < len(b) {
		n := 0
		err := f.use(func(fd int) (err error) {
			n, err = unix.Pwrite(fd, b[done:], off+int64(done))
			return err
		})
		if err != nil {
			return done, err
		}
		if n == 0 {
			return done, io.ErrShortWrite
		}
		done += n
	}
	return done, nil
}

func (f *rawFile) chmod(mode fs.FileMode) error {
	return f.use(func(fd int) error { return unix.Fchmod(fd, bitsOf(mode)) })
}

// bitsOf is a mode in the kernel's words.
func bitsOf(mode fs.FileMode) uint32 {
	bits := uint32(mode.Perm())
	if mode&fs.ModeSetuid != 0 {
		bits |= unix.S_ISUID
	}
	if mode&fs.ModeSetgid != 0 {
		bits |= unix.S_ISGID
	}
	if mode&fs.ModeSticky != 0 {
		bits |= unix.S_ISVTX
	}
	return bits
}

func (f *rawFile) sync() error { return f.use(unix.Fsync) }
