package storage

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/windows"
)

// nonblock is for FIFOs, which are no files here.
const nonblock = 0

const (
	// keepsOwners says that users have no numbers that would say anything elsewhere.
	keepsOwners = false

	// shownBits are those of a mode that a file shows once they are set: whether it is
	// read-only.
	shownBits fs.FileMode = 0o200

	// timeStep is the step in which times of files are kept.
	timeStep = 100 * time.Nanosecond
)

var errLocked = errors.New("locked by another process")

// lockedAt is where the one byte lies that a lock is on. Locks are no mere promises here:
// they keep even our own other handles from what is locked, so it is where no file has bytes.
var lockedAt = windows.Overlapped{Offset: 1<<32 - 2, OffsetHigh: 1<<31 - 1}

// lock takes the exclusive lock of f, or returns errLocked at once. The lock ends
// when f is closed, or its process dies.
func lock(f *os.File) error {
	err := control(f, func(fd int) error {
		at := lockedAt
		return windows.LockFileEx(windows.Handle(fd), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)
	})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return errLocked
	}
	return err
}

// unlock gives the lock of f back. The system takes its time over what a close gives back.
func unlock(f *os.File) error {
	return control(f, func(fd int) error {
		at := lockedAt
		return windows.UnlockFileEx(windows.Handle(fd), 0, 1, 0, &at)
	})
}

// ours does not know.
func ours(fs.FileInfo) bool { return true }

// noDirSync reports whether err is how directories say that they cannot be synced: they
// are open for reading, and nobody gets them for writing. NTFS journals its names, so that
// one that was lost to a crash is the old one, and whole.
func noDirSync(err error) bool {
	return errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_INVALID_HANDLE) ||
		errors.Is(err, windows.ERROR_INVALID_FUNCTION)
}

// setModTime sets the time of the last change, by the handle if that may: what is set by
// another one is lost when a handle that has written is closed.
func setModTime(f *os.File, root *os.Root, name string, t time.Time) error {
	if f != nil {
		modified := windows.NsecToFiletime(t.UnixNano())
		err := control(f, func(fd int) error { return windows.SetFileTime(windows.Handle(fd), nil, nil, &modified) })
		if !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return err
		}
	}
	return root.Chtimes(name, time.Time{}, t)
}

// freeSpace returns what is free where f lies, for our user, in bytes. The path may lead
// elsewhere by now; then the writes will tell.
func freeSpace(f *os.File) (uint64, bool, error) {
	dir, err := windows.UTF16PtrFromString(filepath.Dir(f.Name()))
	if err != nil {
		return 0, false, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(dir, &free, nil, nil); err != nil {
		return 0, false, err
	}
	return free, true, nil
}

// preallocate leaves it to the writes.
func preallocate(*os.File, int64) error { return nil }

// allocated does not know.
func allocated(*os.File, fs.FileInfo) int64 { return 0 }

// removeAt removes leaf. File systems that have never heard of the way in which os.Root
// does it, and Wine before 9, know the one in which a file goes when it is closed.
func removeAt(root *os.Root, leaf string) error {
	err := root.Remove(leaf)
	if !errors.Is(err, windows.ERROR_INVALID_FUNCTION) {
		return err
	}
	if err := root.Chmod(leaf, 0o600); err != nil { // what is read-only does not go
		return err
	}
	f, err := root.OpenFile(leaf, os.O_RDONLY|windows.FILE_FLAG_DELETE_ON_CLOSE|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

// replace gives the file from the name to. That of a file that is read-only is not for others
// until it is so no more.
func replace(root *os.Root, from, to string) error {
	err := root.Rename(from, to)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if old, lookErr := root.Lstat(to); lookErr != nil || !old.Mode().IsRegular() || old.Mode()&0o200 != 0 {
		return err
	}
	if err := root.Chmod(to, 0o600); err != nil {
		return err
	}
	return root.Rename(from, to)
}

// control calls fn with f's handle.
func control(f *os.File, fn func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	if err := conn.Control(func(fd uintptr) { result = fn(int(fd)) }); err != nil {
		return err
	}
	return result
}
