package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// Dir is a directory that names cannot leave: neither by "..", nor by an
// absolute path, nor by a symbolic link, whatever is renamed or linked while
// they are resolved. Symbolic links that stay inside are followed; one with an
// absolute target counts as leaving. Its methods may be called from any
// goroutine.
type Dir struct {
	root *os.Root
	path string
}

// OpenDir opens the directory at path, which must exist.
func OpenDir(path string) (*Dir, error) {
	root, err := openRoot(path)
	if err != nil {
		return nil, wrap("opening the directory "+shown(path), err)
	}
	return &Dir{root: root, path: path}, nil
}

// openRoot opens a directory and nothing else: the slash at the end keeps it
// from waiting for a writer when path is a FIFO.
func openRoot(path string) (*os.Root, error) {
	if path == "" {
		return nil, fs.ErrNotExist
	}
	return os.OpenRoot(path + string(filepath.Separator))
}

// Beneath opens a directory beneath the Dir, as a Dir of its own: what is only reached by
// leaving it is out of its reach.
func (d *Dir) Beneath(name string) (*Dir, error) {
	if name != "." {
		if err := ValidName(name); err != nil {
			return nil, err
		}
	}
	root, err := d.root.OpenRoot(name + "/.") // the "." as in create
	if err != nil {
		return nil, wrapRooted("opening the directory "+d.shown(name), err)
	}
	return &Dir{root: root, path: filepath.Join(d.path, name)}, nil
}

// Plain fails unless name is that of a regular file; of a link to one, it is not.
func (d *Dir) Plain(name string) error {
	if err := ValidName(name); err != nil {
		return err
	}
	what := "looking at " + d.shown(name)
	info, err := d.root.Lstat(name)
	if err == nil && !info.Mode().IsRegular() {
		return fault.New(fault.NotRegular, what, fmt.Errorf("it is a %s", kindOf(info.Mode())), "name the file itself")
	}
	return wrapRooted(what, err)
}

// Path returns the path that the Dir was opened by.
func (d *Dir) Path() string { return d.path }

// InPlace fails unless the Dir's path still leads to it: a directory that was
// renamed, replaced or mounted over is another one than users see there.
func (d *Dir) InPlace() error {
	what := "looking at the directory " + shown(d.path)
	held, err := d.root.Stat(".")
	if err != nil {
		return wrap(what, err)
	}
	here, err := os.Stat(d.path)
	if err != nil {
		return wrap(what, err)
	}
	if !os.SameFile(held, here) {
		return fault.New(fault.NotExport, what, errors.New("it was replaced, or something was mounted over it, after it was opened"), "restart rdmad on that host")
	}
	return nil
}

// Close lets go of the directory. Sources and sinks that were opened beneath it
// are not affected.
func (d *Dir) Close() error { return wrap("closing the directory "+shown(d.path), d.root.Close()) }

// IsDir reports whether name is a directory, or a symbolic link to one inside
// the Dir. A name that does not exist is not a directory and no error; "." is
// the Dir itself.
func (d *Dir) IsDir(name string) (bool, error) {
	if name == "." {
		return true, nil
	}
	if err := ValidName(name); err != nil {
		return false, err
	}
	info, err := d.root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, wrapRooted("looking at "+d.shown(name), err)
	}
	return info.IsDir(), nil
}

// Source opens name for reading.
func (d *Dir) Source(name string) (*Source, error) {
	if err := ValidName(name); err != nil {
		return nil, err
	}
	return newSource(d.shown(name),
		func() (fs.FileInfo, error) { return d.root.Stat(name) },
		func() (*os.File, error) { return d.root.OpenFile(name, sourceFlags, 0) })
}

// Create starts a file that will be put at name by Sink.Commit. What stands
// there until then is not touched: a file, or a symbolic link to one, is
// replaced by the Commit whatever its permissions, as by rename; anything else
// is refused.
func (d *Dir) Create(name string, m Meta) (*Sink, error) {
	return d.create(name, m, nil)
}

func (d *Dir) create(name string, m Meta, sm seam) (*Sink, error) {
	if err := ValidName(name); err != nil {
		return nil, err
	}
	parent, leaf := path.Split(name)
	// The "." makes os.Root open the parent as a directory, so that a FIFO in
	// its place cannot block us.
	root, err := d.root.OpenRoot(parent + ".")
	if err != nil {
		return nil, wrapRooted("creating "+d.shown(name), err)
	}
	p, err := newPlace(root, leaf, d.shown(name), func() (fs.FileInfo, error) { return d.root.Stat(name) })
	if err != nil {
		return nil, err
	}
	return newSink(p, m, sm)
}

// shown is name's whole path for messages.
func (d *Dir) shown(name string) string { return shown(filepath.Join(d.path, name)) }

// IsDir reports whether path is a directory or a symbolic link to one. A path
// that does not exist is not a directory and no error.
func IsDir(path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, wrap("looking at "+shown(path), err)
	}
	return info.IsDir(), nil
}

// OpenSource opens the file at path for reading. Symbolic links are followed, as
// cp does.
func OpenSource(path string) (*Source, error) {
	return newSource(shown(path),
		func() (fs.FileInfo, error) { return os.Stat(path) },
		func() (*os.File, error) { return os.OpenFile(path, sourceFlags, 0) })
}

// Create starts a file that will be put at path by Sink.Commit, as Dir.Create
// does. The directory that path lies in must exist, and is held: what happens to
// the path later does not matter. If path is a symbolic link to a file, Commit
// replaces the link and leaves the file alone, as rsync does.
func Create(path string, m Meta) (*Sink, error) {
	return createAt(path, m, nil)
}

func createAt(path string, m Meta, sm seam) (*Sink, error) {
	parent, leaf := filepath.Split(path)
	if leaf == "" || leaf == "." || leaf == ".." {
		return nil, fault.New(fault.NotRegular, "creating "+shown(path), errors.New("it names a directory"),
			"name the file to create, or create the directory first")
	}
	if parent == "" {
		parent = "."
	}
	root, err := openRoot(parent)
	if err != nil {
		return nil, wrap("creating "+shown(path), err)
	}
	p, err := newPlace(root, leaf, shown(path), func() (fs.FileInfo, error) { return os.Stat(path) })
	if err != nil {
		return nil, err
	}
	return newSink(p, m, sm)
}
