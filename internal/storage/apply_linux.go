package storage

import (
	"bytes"
	"io/fs"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// openBare opens something for its mode and the like, whatever it is and whoever
// may read it, through no symbolic link.
func openBare(dir *os.File, leaf string) (*os.File, error) {
	var fd int
	err := control(dir, func(at int) (err error) {
		fd, err = unix.Openat(at, leaf, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), leaf), nil
}

// procPath is a name for an open file that leads to that very file. The calls that
// take no descriptor like those of openBare take this.
func procPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

func chmod(on *subject, mode fs.FileMode) error {
	switch {
	case on.raw != nil:
		return on.raw.chmod(mode)
	case !on.bare:
		return on.file.Chmod(mode)
	}
	return control(on.file, func(fd int) error { return os.Chmod(procPath(fd), mode) })
}

func setTime(on *subject, t time.Time) error {
	return on.use(func(fd int) error { return setModTimeOf(fd, t) })
}

// chown sets owner and group; -1 leaves one alone.
func chown(on *subject, uid, gid int) error {
	return on.use(func(fd int) error { return unix.Fchownat(fd, "", uid, gid, unix.AT_EMPTY_PATH) })
}

// use calls fn with the descriptor.
func (on *subject) use(fn func(fd int) error) error {
	if on.raw != nil {
		return on.raw.use(fn)
	}
	return control(on.file, fn)
}

// umask returns the process's, or what most have where it cannot be found out.
func umask() fs.FileMode {
	if mask, known := knownUmask(); known {
		return mask
	}
	return 0o022
}

// knownUmask reports the process's. Asking for it by the call would change it for a
// moment, in which another thread makes a file.
var knownUmask = sync.OnceValues(func() (fs.FileMode, bool) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	_, rest, found := bytes.Cut(b, []byte("\nUmask:\t"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	n, err := strconv.ParseUint(string(line), 8, 16)
	return fs.FileMode(n) & fs.ModePerm, found && err == nil
})
