package storage

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Land prepares a copy to a path of this host. Several says that more than one
// thing is copied. Nothing is made before the first Add.
func Land(path string, n tree.Naming, several bool, o tree.LandOptions) (*Store, error) {
	return land(here(path), n, several, o)
}

// Land prepares a copy to a name beneath the Dir, as the function Land does; "." is
// the Dir itself. Nothing outside is ever touched, whatever the entries are called
// and whatever stands there.
func (d *Dir) Land(name string, n tree.Naming, several bool, o tree.LandOptions) (*Store, error) {
	if name != "." {
		if err := ValidName(name); err != nil {
			return nil, err
		}
	}
	return land(d.target(name), n, several, o)
}

// target is what a copy was told to go to.
type target struct {
	path   string // for messages
	abs    string
	parent string
	leaf   string // empty if the name can only be a directory's
	look   func() (fs.FileInfo, error)
	open   func(name string) (*os.Root, error) // a directory: the target, or its parent
	name   string
}

func here(name string) target {
	parent, leaf := filepath.Split(name)
	if leaf == "." || leaf == ".." {
		leaf = ""
	}
	if parent == "" {
		parent = "."
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		abs = name
	}
	return target{
		path: shown(name), abs: abs, parent: parent, leaf: leaf, name: name, open: openRoot,
		look: func() (fs.FileInfo, error) { return os.Stat(name) },
	}
}

func (d *Dir) target(name string) target {
	parent, leaf := path.Split(name)
	if leaf == "." {
		leaf = ""
	}
	abs, err := filepath.Abs(filepath.Join(d.path, name))
	if err != nil {
		abs = filepath.Join(d.path, name)
	}
	return target{
		path: d.shown(name), abs: abs, parent: parent + ".", leaf: leaf, name: name,
		look: func() (fs.FileInfo, error) { return d.root.Stat(name) },
		// The "." makes os.Root open a directory, so that a FIFO in its place
		// cannot block us.
		open: func(name string) (*os.Root, error) { return d.root.OpenRoot(path.Join(name) + "/.") },
	}
}

// orNoSlash is what else may help where the name is that of a directory: one thing can be
// copied under it.
func orNoSlash(several bool) string {
	if several {
		return ""
	}
	return ", or drop the slash at its end"
}

// land decides where the copy goes.
func land(t target, n tree.Naming, several bool, o tree.LandOptions) (*Store, error) {
	what := "writing to " + t.path
	if t.name == "" {
		return nil, wrap(what, fs.ErrNotExist)
	}
	if t.leaf != "" { // ahead of looking there: the system might take it for something else
		if err := holdable(t.leaf); err != nil {
			return nil, fault.New(fault.Usage, what, err, "choose another name")
		}
	}
	info, err := t.look()
	gone := errors.Is(err, fs.ErrNotExist)
	// A link to nowhere, or out of a Dir, is replaced and not followed.
	if err != nil && !gone && (n != tree.Auto || !escapes(err)) {
		return nil, wrapRooted(what, err)
	}
	isDir := err == nil && info.IsDir()
	switch {
	case n != tree.Auto && n != tree.Into && n != tree.Contents:
		return nil, fault.New(fault.Protocol, what, errors.New("nobody knows how it shall be named"), "run the same version of rdmacp at both ends")
	case isDir && n == tree.Auto && several:
		return t.inside(tree.Into, o)
	case isDir:
		return t.inside(n, o)
	case n == tree.Into && gone:
		return nil, fault.New(fault.NotFound, "writing into "+t.path, syscall.ENOENT, "make the directory first"+orNoSlash(several))
	case n == tree.Into, n == tree.Contents && err == nil:
		return nil, fault.New(fault.NotRegular, "writing into "+t.path, errors.New("it is not a directory"), "name a directory"+orNoSlash(several))
	case n == tree.Auto && several:
		return nil, fault.New(fault.NotRegular, "writing into "+t.path, errors.New("more than one thing is copied, and it is not a directory"), "make the directory first")
	case t.leaf == "" && n == tree.Auto:
		return nil, fault.New(fault.NotRegular, what, errors.New("it names a directory, which is not there"), "name the file to create, or create the directory first")
	}
	return t.beside(n, o)
}

// inside lands in the target, which is a directory.
func (t target) inside(n tree.Naming, o tree.LandOptions) (*Store, error) {
	base, err := t.hold(t.name, t.abs)
	if err != nil {
		return nil, err
	}
	return newStore(base, t.abs, "", n, o), nil
}

// beside lands in the directory above the target, which is not there or is to be
// replaced.
func (t target) beside(n tree.Naming, o tree.LandOptions) (*Store, error) {
	if t.leaf == "" { // a slash at the end
		t = t.trimmed()
	}
	if err := checkName(t.leaf); err != nil {
		return nil, fault.New(fault.Usage, "writing to "+t.path, err, "choose another name")
	}
	up, err := t.hold(t.parent, filepath.Dir(t.abs))
	if err != nil {
		return nil, err
	}
	if n == tree.Contents {
		base := &folder{up: up, leaf: t.leaf}
		return newStore(base, t.abs, "", n, o), nil
	}
	return newStore(up, t.abs, t.leaf, n, o), nil
}

// trimmed is the target without the slashes at its end.
func (t target) trimmed() target {
	clean := filepath.Clean(t.name)
	t.parent, t.leaf = filepath.Split(clean)
	if t.parent == "" {
		t.parent = "."
	}
	return t
}

// hold opens a directory and keeps it open.
func (t target) hold(name, abs string) (*folder, error) {
	what := "writing to " + t.path
	root, err := t.open(name)
	if err != nil {
		return nil, wrapRooted(what, err)
	}
	h, info, err := newHandle(root)
	if err != nil {
		return nil, wrap(what, err)
	}
	h.holds = 1
	return &folder{leaf: abs, info: info, open: h, synced: true}, nil
}
