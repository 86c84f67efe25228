//go:build !linux

package storage

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// walkDir is a directory that a walk holds open, in which it works by leaf names.
type walkDir struct {
	root *os.Root
	dir  *Dir   // the Dir that it lies beneath; nil: it is not confined
	path string // its path beneath dir, or the user's
}

// openWalkDir opens the directory at path, beneath d if that is not nil.
func openWalkDir(d *Dir, path string, _ bool) (*walkDir, error) {
	var root *os.Root
	var err error
	if d != nil {
		root, err = d.root.OpenRoot(path + "/.")
	} else {
		root, err = openRoot(path)
	}
	if err != nil {
		return nil, err
	}
	return &walkDir{root: root, dir: d, path: path}, nil
}

func (w *walkDir) close() error { return w.root.Close() }

// self returns the directory's own status.
func (w *walkDir) self() (status, error) { return told(w.root.Stat(".")) }

// look returns the status of leaf. A symbolic link is not followed.
func (w *walkDir) look(leaf string) (status, error) { return told(w.root.Lstat(leaf)) }

// lookThrough returns the status of what the symbolic link leaf leads to.
func (w *walkDir) lookThrough(leaf string) (status, error) {
	if w.dir == nil {
		return told(os.Stat(below(w.path, leaf)))
	}
	return told(w.dir.root.Stat(below(w.path, leaf)))
}

func told(info fs.FileInfo, err error) (status, error) {
	if err != nil {
		return status{}, err
	}
	return statusOf(info), nil
}

// open opens the file leaf. A symbolic link is followed where through says so,
// and else is the error ELOOP.
func (w *walkDir) open(leaf string, through bool) (*rawFile, error) {
	f, err := w.openFile(leaf, through)
	if err != nil {
		return nil, err
	}
	return newRawFile(f)
}

func (w *walkDir) openFile(leaf string, through bool) (*os.File, error) {
	if through && w.dir == nil {
		return os.OpenFile(below(w.path, leaf), sourceFlags, 0)
	}
	if through {
		return w.dir.root.OpenFile(below(w.path, leaf), sourceFlags, 0)
	}
	before, err := w.root.Lstat(leaf)
	if err != nil {
		return nil, err
	}
	if before.Mode()&fs.ModeSymlink != 0 {
		return nil, syscall.ELOOP
	}
	f, err := w.root.OpenFile(leaf, sourceFlags, 0)
	if err != nil {
		return nil, err
	}
	after, err := f.Stat()
	if err == nil && !os.SameFile(before, after) {
		err = syscall.ELOOP
	}
	if err != nil {
		_ = f.Close() // nothing was written to it
		return nil, err
	}
	return f, nil
}

// sub opens the directory leaf, through a symbolic link if need be. Where it is
// none, the error is ENOTDIR.
func (w *walkDir) sub(leaf string, through bool) (*walkDir, error) {
	under := below(w.path, leaf)
	if through {
		return openWalkDir(w.dir, under, false)
	}
	before, err := w.root.Lstat(leaf)
	if err != nil {
		return nil, err
	}
	if !before.IsDir() {
		return nil, syscall.ENOTDIR
	}
	root, err := w.root.OpenRoot(leaf)
	if err != nil {
		return nil, err
	}
	after, err := root.Stat(".")
	if err == nil && !os.SameFile(before, after) {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &walkDir{root: root, dir: w.dir, path: under}, nil
}

// readlink returns what the symbolic link leaf says.
func (w *walkDir) readlink(leaf string) (string, error) {
	to, err := w.root.Readlink(leaf)
	return slashed(to), err
}

// names returns the names in the directory, in no order.
func (w *walkDir) names() ([]string, error) {
	f, err := w.root.Open(".")
	if err != nil {
		return nil, err
	}
	names, err := f.Readdirnames(-1)
	return names, errors.Join(err, f.Close())
}

// remove removes leaf, which is not a directory.
func (w *walkDir) remove(leaf string) error { return removeAt(w.root, leaf) }

// noFile reports whether err is how open and sub say that something else has come
// to stand where a file or directory was.
func noFile(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENOTDIR)
}
