package storage

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// firstName is where a file is whose further names are to come.
type firstName struct {
	in       *folder
	leaf     string
	modified time.Time   // of the source's file
	info     fs.FileInfo // which file it is; nil until it is there
	skipped  bool        // what stands there was left alone, and is another file
}

// is reports whether a file is the one that was copied. Its number alone does not
// tell: that of a file that was removed may be given to the next. One that was
// there already may have got the source's time since it was looked at.
func (n *firstName) is(info fs.FileInfo) bool {
	return n.info != nil && os.SameFile(n.info, info) && n.info.Size() == info.Size() &&
		(n.info.ModTime().Equal(info.ModTime()) || sameTime(n.modified, info.ModTime()))
}

// remember notes where a file goes that hard links may follow. Old is what stands
// there; nil if that is nothing.
func (s *Store) remember(e tree.Entry, f *folder, leaf string, old fs.FileInfo, a tree.Answer) {
	if !e.Linked {
		return
	}
	first := &firstName{in: f, leaf: leaf, modified: e.Meta.ModTime}
	switch {
	case a == tree.Skip && (!old.Mode().IsRegular() || !s.looksEqual(e.Meta, old)):
		first.skipped = true
	case a != tree.Want || s.opts.Verify:
		first.info = old
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.linked[e.ID] = first
}

// firstOf returns where the file is whose entry has that number; nil if nobody has
// told that it has more names.
func (s *Store) firstOf(id int64) *firstName {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.linked[id]
}

// unlinkable says why there can be no further name of a file that was skipped: it
// would have the content of what stands there.
func (n *firstName) unlinkable(p *place) error {
	return fault.New(fault.NotFound, "linking "+p.shown(), errors.New("its first name, "+n.in.shown(n.leaf)+", was skipped, and another file stands there"),
		"copy it with --no-hard-links, as a file of its own")
}
