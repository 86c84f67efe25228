package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// place is where a Sink's file goes: a leaf name in a directory that is held
// open. Whatever happens to the directory's path, the work is done in that very
// directory.
type place struct {
	root *os.Root // the directory
	self *os.File // the same, to fsync it: opened early, since a Commit must not fail for want of a descriptor
	leaf string
	in   *folder      // of a Store: the same directory
	path string       // the whole path, for messages; not of a Store, where in knows it
	done func() error // lets go of the directory, once
}

// newPlace takes over root. It refuses a leaf at which no file could or should
// be put; follow looks at the leaf with symbolic links followed.
func newPlace(root *os.Root, leaf, path string, follow func() (fs.FileInfo, error)) (*place, error) {
	err := checkTarget(root, leaf, path, follow)
	if err != nil {
		return nil, joined(err, root.Close())
	}
	self, err := root.Open(".")
	if err != nil {
		return nil, joined(wrap("opening the directory of "+path, err), root.Close())
	}
	done := func() error { return errors.Join(self.Close(), root.Close()) }
	return &place{root: root, self: self, leaf: leaf, path: path, done: done}, nil
}

// checkTarget finds out at the start what a rename would only refuse at the end
// of a long copy, or would do though nobody wants it: a rename over /dev/null
// succeeds.
func checkTarget(root *os.Root, leaf, path string, follow func() (fs.FileInfo, error)) error {
	info, err := root.Lstat(leaf)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return wrap("looking at "+path, err)
	}
	mode := info.Mode()
	link := ""
	if mode&fs.ModeSymlink != 0 {
		target, err := follow()
		if err != nil {
			// A link to nowhere, or out of the directory: the link itself is
			// replaced, and where it leads is not touched.
			return nil //nolint:nilerr // see above
		}
		mode, link = target.Mode(), "a symbolic link to "
	}
	if mode.IsRegular() {
		return nil
	}
	fix := "choose another name, or remove it first"
	if mode.IsDir() {
		fix = "choose another name, or put the file into that directory"
	}
	return fault.New(fault.NotRegular, "creating "+path, fmt.Errorf("there is %s%s already", link, kind(mode)), fix)
}

// shown is the whole path, for messages. It is made when one is needed: most
// files have none.
func (p *place) shown() string {
	if p.in != nil {
		return p.in.shown(p.leaf)
	}
	return p.path
}

// sync makes the directory's entries durable.
func (p *place) sync() error { return syncDir(p.self) }

// syncDir makes a directory's entries durable.
func syncDir(dir *os.File) error {
	err := dir.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrInvalid) || noDirSync(err) {
		return nil // a file system that has no such thing
	}
	return err
}

func (p *place) close() error {
	done := p.done
	p.done = nil
	if done == nil {
		return nil
	}
	return done()
}
