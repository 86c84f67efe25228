package storage

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// lookedAtOnce is the size in bytes up to which a file that the walk came by just
// now is not looked at again when it is opened: it is read in no time, and
// Unchanged will tell.
const lookedAtOnce = 64 << 10

// Open implements tree.Source. That a small file is another one than the walk has
// seen is told by ReadAt or Unchanged instead if it does not show at once.
func (w *Walker) Open(e tree.Entry) (tree.SourceFile, error) {
	in := w.table.of(e.ID, e.Parent)
	s := &walkedFile{table: w.table, in: in, name: e.Name}
	if e.Kind != tree.File || in == 0 {
		return nil, fault.New(fault.Internal, "opening "+s.shown(), fmt.Errorf("entry %d is %v of directory %d", e.ID, e.Kind, in), "")
	}
	h, err := w.table.hold(in)
	if err != nil {
		return nil, vanished("opening "+s.shown(), err)
	}
	defer h.release()
	file, err := h.open(e.Name, false)
	through := false
	if err != nil && noFile(err) && !errors.Is(err, fs.ErrNotExist) && !w.opts.Links {
		through = true // a symbolic link that the walk has followed
		file, err = h.open(e.Name, true)
	}
	if err != nil {
		return nil, vanished("opening "+s.shown(), err)
	}
	s.Source = Source{file: file, where: s, meta: e.Meta, way: w.opts.Way}
	if err := w.identify(&s.Source, &e, through); err != nil {
		_ = file.Close() // nothing was written to it
		return nil, err
	}
	return &s.Source, nil
}

// walkedFile is a Source whose path is put together when a message needs it.
type walkedFile struct {
	Source
	table *dirTable
	in    int64
	name  string
}

func (f *walkedFile) shown() string { return f.table.shown(f.in, f.name) }

// identify fills in what the file was when the walk has seen it.
func (w *Walker) identify(s *Source, e *tree.Entry, through bool) error {
	if seen, ok := w.recent.get(e.ID); ok {
		s.first, s.settled = seen.status, seen.settled
		if !through && e.Meta.Size > 0 && e.Meta.Size <= lookedAtOnce {
			return nil
		}
	}
	what := "opening " + s.where.shown()
	now, err := s.file.look()
	if err != nil {
		return wrap(what, err)
	}
	if !now.mode.IsRegular() {
		return changedFault(what, fmt.Errorf("it is %s now", kind(now.mode)))
	}
	if why := now.is(&e.Meta, e.Kind); why != nil {
		return changedFault(what, why)
	}
	if s.first.inode == 0 { // the walk has forgotten, or this system does not know
		s.first, s.settled = now, settled(now.changed)
	}
	if now.size == 0 && hasContent(s.file) {
		return noSize(what)
	}
	return nil
}
