//go:build unix

package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// nonblock keeps an open from waiting for the other end of a FIFO.
const nonblock = unix.O_NONBLOCK

const (
	// keepsOwners says that a user and a group are numbers, here as elsewhere.
	keepsOwners = true

	// shownBits are those of a mode that a file shows once they are set.
	shownBits = modeBits

	// timeStep is the step in which times of files are kept.
	timeStep = time.Nanosecond
)

var errLocked = errors.New("locked by another process")

// lock takes the exclusive lock of f, or returns errLocked at once. The lock ends
// when f is closed, or its process dies.
func lock(f *os.File) error {
	err := control(f, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return errLocked
	case errors.Is(err, unix.ENOLCK) || errors.Is(err, unix.EINVAL):
		return fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	return err
}

// unlock gives the lock of f back. To close f does not, as long as a process that is
// just being started has it as well.
func unlock(f *os.File) error {
	return control(f, func(fd int) error { return unix.Flock(fd, unix.LOCK_UN) })
}

// ours reports whether a file belongs to us alone.
func ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Nlink == 1 && int(st.Uid) == os.Geteuid()
}

// noDirSync reports whether err is how a file system says that directories
// cannot be synced.
func noDirSync(err error) bool { return errors.Is(err, unix.EINVAL) }

// removeAt removes leaf.
func removeAt(root *os.Root, leaf string) error { return root.Remove(leaf) }

// replace gives the file from the name to, whatever has that.
func replace(root *os.Root, from, to string) error { return root.Rename(from, to) }

// control calls fn with f's descriptor, again where a signal interrupted it.
func control(f *os.File, fn func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	err = conn.Control(func(fd uintptr) {
		for result = fn(int(fd)); errors.Is(result, unix.EINTR); result = fn(int(fd)) {
			continue
		}
	})
	if err != nil {
		return err
	}
	return result
}
