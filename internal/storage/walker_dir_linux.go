package storage

import (
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// walkDir is a directory that a walk holds open, in which it works by leaf names.
type walkDir struct {
	fd   int
	dir  *Dir   // the Dir that it lies beneath; nil: it is not confined
	path string // its path beneath dir, or the user's
}

const (
	openDirFlags  = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC
	openFileFlags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_CLOEXEC
)

// openWalkDir opens the directory at path, beneath d if that is not nil. One that
// is passed through only need not be readable.
func openWalkDir(d *Dir, path string, passed bool) (*walkDir, error) {
	if d != nil {
		return openConfined(d, path)
	}
	flags := openDirFlags
	if passed {
		flags |= unix.O_PATH
	}
	fd, err := openAt(unix.AT_FDCWD, path, flags)
	if err != nil {
		return nil, err
	}
	return &walkDir{fd: fd, path: path}, nil
}

func openConfined(d *Dir, path string) (*walkDir, error) {
	// The "." makes os.Root open it as a directory, so that a FIFO in its place
	// cannot block us.
	self, err := d.root.Open(path + "/.")
	if err != nil {
		return nil, err
	}
	held, err := newRawFile(self)
	if err != nil {
		return nil, err
	}
	return &walkDir{fd: held.fd, dir: d, path: path}, nil
}

func openAt(at int, name string, flags int) (int, error) {
	fd := -1
	err := restarted(func() (err error) {
		fd, err = unix.Openat(at, name, flags, 0)
		return err
	})
	return fd, err
}

func (w *walkDir) close() error { return unix.Close(w.fd) }

// self returns the directory's own status.
func (w *walkDir) self() (status, error) {
	var st unix.Stat_t
	if err := restarted(func() error { return unix.Fstat(w.fd, &st) }); err != nil {
		return status{}, err
	}
	return statusFrom(&st), nil
}

// look returns the status of leaf. A symbolic link is not followed.
func (w *walkDir) look(leaf string) (status, error) {
	return w.lookWith(leaf, unix.AT_SYMLINK_NOFOLLOW)
}

func (w *walkDir) lookWith(leaf string, flags int) (status, error) {
	var st unix.Stat_t
	if err := restarted(func() error { return unix.Fstatat(w.fd, leaf, &st, flags) }); err != nil {
		return status{}, err
	}
	return statusFrom(&st), nil
}

// lookThrough returns the status of what the symbolic link leaf leads to.
func (w *walkDir) lookThrough(leaf string) (status, error) {
	if w.dir == nil {
		return w.lookWith(leaf, 0)
	}
	info, err := w.dir.root.Stat(below(w.path, leaf))
	if err != nil {
		return status{}, err
	}
	return statusOf(info), nil
}

// open opens the file leaf. A symbolic link is followed where through says so,
// and else is the error ELOOP.
func (w *walkDir) open(leaf string, through bool) (*rawFile, error) {
	if through && w.dir != nil {
		f, err := w.dir.root.OpenFile(below(w.path, leaf), sourceFlags, 0)
		if err != nil {
			return nil, err
		}
		return newRawFile(f)
	}
	flags := openFileFlags
	if !through {
		flags |= unix.O_NOFOLLOW
	}
	fd, err := openAt(w.fd, leaf, flags)
	if err != nil {
		return nil, err
	}
	return &rawFile{fd: fd}, nil
}

// sub opens the directory leaf, through a symbolic link if need be. Where it is
// none, the error is ENOTDIR.
func (w *walkDir) sub(leaf string, through bool) (*walkDir, error) {
	under := below(w.path, leaf)
	if through && w.dir != nil {
		return openConfined(w.dir, under)
	}
	flags := openDirFlags
	if !through {
		flags |= unix.O_NOFOLLOW
	}
	fd, err := openAt(w.fd, leaf, flags)
	if err != nil {
		return nil, err
	}
	return &walkDir{fd: fd, dir: w.dir, path: under}, nil
}

// readlink returns what the symbolic link leaf says.
func (w *walkDir) readlink(leaf string) (string, error) {
	for size := 256; ; size *= 4 {
		b := make([]byte, size)
		n := 0
		err := restarted(func() (err error) {
			n, err = unix.Readlinkat(w.fd, leaf, b)
			return err
		})
		if err != nil {
			return "", err
		}
		if n < size {
			return string(b[:n]), nil
		}
	}
}

// names returns the names in the directory, in no order. It is called once.
func (w *walkDir) names() ([]string, error) {
	var names []string
	b := make([]byte, 32<<10)
	for {
		n := 0
		err := restarted(func() (err error) {
			n, err = unix.ReadDirent(w.fd, b)
			return err
		})
		if errors.Is(err, unix.ENOENT) {
			return names, nil // it was removed meanwhile, and holds nothing
		}
		if err != nil || n == 0 {
			return names, err
		}
		_, _, names = unix.ParseDirent(b[:n], -1, names)
	}
}

// remove removes leaf, which is not a directory.
func (w *walkDir) remove(leaf string) error {
	return restarted(func() error { return unix.Unlinkat(w.fd, leaf, 0) })
}

// procPath is a path by which calls that take no descriptor find leaf, or the
// directory itself where leaf is empty.
func (w *walkDir) procPath(leaf string) string {
	p := "/proc/self/fd/" + strconv.Itoa(w.fd)
	if leaf == "" {
		return p
	}
	return p + "/" + leaf
}

// noFile reports whether err is how open and sub say that something else has come
// to stand where a file or directory was.
func noFile(err error) bool {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return errors.Is(err, fs.ErrNotExist)
	}
	return slices.Contains([]syscall.Errno{unix.ENOENT, unix.ELOOP, unix.ENOTDIR, unix.ENXIO, unix.ENODEV}, errno)
}
