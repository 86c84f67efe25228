package storage

import (
	"cmp"
	"container/list"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// folder is a directory at the destination. It is opened by its leaf name in the
// directory above, as often as it has to be, and is the very same each time.
type folder struct {
	up     *folder // nil: the one that is always open
	leaf   string
	depth  int         // components of its path from where the copy lands
	size   int         // bytes of that path
	info   fs.FileInfo // which directory it is
	fresh  atomic.Bool // this very run has made it, and nobody else has been told of it
	absent bool        // it is not there and is not made: dry run
	sent   bool        // it is an entry of the source's
	meta   tree.Meta   // of the entry; the zero value if there is none
	mode   fs.FileMode // what it gets at the end
	made   bool        // this run has made it: it gets all of the entry's mode and owner
	synced bool        // its name is on stable storage

	modes   sync.Once
	heeding bool // a file that is made in it gets the mode that was asked for
	births  sync.Once
	born    *status // of a file that was made in it: who owns those; nil: not known

	names   map[string]struct{} // what the source has in it; only where something is to be deleted
	claimed map[string]string   // the same by what is one name to the file system; only where several are

	open *handle
}

// handle is an open directory.
type handle struct {
	root  *os.Root
	self  *os.File // the same, to fsync it and the like
	fd    int      // that of self; where the system has such
	holds int
	idle  *list.Element // nil while somebody holds it
}

func (h *handle) close() error { return errors.Join(h.self.Close(), h.root.Close()) }

// within returns the directory called leaf in f, which is not looked at yet.
func (f *folder) within(leaf string) *folder {
	return &folder{up: f, leaf: leaf, depth: f.depth + 1, size: tree.PathLen(f.size, leaf)}
}

// shown is the whole path of something in f, for messages: its end, if it is a very long
// one. An empty leaf is f.
func (f *folder) shown(leaf string) string {
	parts, size := []string{leaf}, len(leaf)
	for ; f.up != nil && size < maxName; f = f.up {
		parts = append(parts, f.leaf)
		size += 1 + len(f.leaf)
	}
	top := f.leaf
	if f.up != nil {
		top = "..."
	}
	parts = append(parts, top)
	slices.Reverse(parts)
	return shown(filepath.Join(parts...))
}

// below is the path of something in f relative to top; for reports.
func (f *folder) below(top *folder, leaf string) string {
	parts := []string{leaf}
	for ; f != top && f.up != nil; f = f.up {
		parts = append(parts, f.leaf)
	}
	slices.Reverse(parts)
	return cmp.Or(path.Join(parts...), ".")
}

// openFolder opens the directory called leaf, through no symbolic link.
func openFolder(up *handle, leaf string) (*handle, fs.FileInfo, error) {
	info, err := up.root.Lstat(leaf)
	if err != nil {
		return nil, nil, err
	}
	if !info.IsDir() {
		return nil, nil, fault.New(fault.NotRegular, "opening the directory "+shown(leaf), fmt.Errorf("it is %s", kind(info.Mode())), "keep other programs away from it, and run the copy again")
	}
	root, err := up.root.OpenRoot(leaf)
	if err != nil {
		return nil, nil, err
	}
	h, opened, err := newHandle(root)
	if err != nil {
		return nil, nil, err
	}
	if !os.SameFile(info, opened) {
		_ = h.close() // nothing was written to it
		return nil, nil, fault.New(fault.IO, "opening the directory "+shown(leaf), errors.New("it was replaced just now"), "keep other programs away from it, and run the copy again")
	}
	return h, opened, nil
}

// newHandle takes over root.
func newHandle(root *os.Root) (*handle, fs.FileInfo, error) {
	self, err := root.Open(".")
	if err != nil {
		return nil, nil, errors.Join(err, root.Close())
	}
	info, err := self.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, self.Close(), root.Close())
	}
	return &handle{root: root, self: self, fd: descriptor(self)}, info, nil
}
