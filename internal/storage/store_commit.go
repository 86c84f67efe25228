package storage

import (
	"context"
	"errors"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// item is a file that is being committed.
type item struct {
	*landing
	err  error
	asIs bool // the old file is right and stays
	in   bool // it is in place
}

// Commit puts files into place, many at a time, since bringing them to stable
// storage is what takes long. See tree.Sink, and Sink.Commit for what a failure
// means.
func (s *Store) Commit(ctx context.Context, ls []tree.Landing) []error {
	s.life.RLock()
	defer s.life.RUnlock()
	items := make([]*item, len(ls))
	for i, l := range ls {
		items[i] = s.takeForCommit(l)
	}
	each(items, func(it *item) error { return it.ready(ctx) })
	if s.opts.ReadBack {
		s.syncFiles(ctx, items)
		each(items, func(it *item) error { return it.readBack(ctx) })
	}
	each(items, (*item).dress)
	s.syncFiles(ctx, items)
	each(items, func(it *item) error { return it.put(ctx) })
	s.syncFolders(items)
	errs := make([]error, len(ls))
	for i, it := range items {
		if errs[i] = it.finish(); errs[i] != nil {
			s.trouble.Store(true)
		}
	}
	return errs
}

// each goes on with those items that have not failed.
func each(items []*item, step func(*item) error) {
	for _, it := range items {
		if it.err == nil {
			it.err = step(it)
		}
	}
}

// takeForCommit makes an item of a landing. Nobody writes to it from here on.
func (s *Store) takeForCommit(tl tree.Landing) *item {
	l, ok := tl.(*landing)
	if !ok || l.store != s {
		return &item{err: fault.New(fault.Internal, "committing", errors.New("it is not a file of this store"), "")}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != landingOpen {
		return &item{err: l.sink.closed("committing")}
	}
	l.state = landingCommits
	return &item{landing: l}
}

// dress sets all but the bytes.
func (it *item) dress() error {
	if it.check {
		return nil
	}
	p := it.sink.place
	on := subject{file: it.sink.file, root: p.root, leaf: it.sink.partial, in: p.in, as: p.leaf}
	if it.asIs {
		on.file, on.leaf = it.old.file, p.leaf
	}
	return it.store.apply(on, it.entry.Meta, it.mode, p.path)
}

// put renames the file into place.
func (it *item) put(ctx context.Context) error {
	if it.asIs || it.check {
		return nil
	}
	if err := ended(ctx, "committing "+it.sink.place.path); err != nil {
		return err
	}
	if err := it.sink.seam.do(stepVerify, it.sink.verify); err != nil {
		it.ruined = true
		return it.sink.wrap("committing", err)
	}
	if err := it.sink.seam.do(stepRename, it.sink.rename); err != nil {
		return it.sink.wrap("putting into place", err)
	}
	it.in = true
	return nil
}

// finish closes the file, and returns what became of it.
func (it *item) finish() error {
	switch {
	case it.landing == nil:
		return it.err
	case it.err == nil:
		it.store.arrived(it)
	case !it.in:
		return joined(it.err, it.giveUp(it.ruined))
	}
	it.journal.end(false)
	if err := it.journal.remove(); err != nil && it.err == nil {
		it.store.note(subject{in: it.sink.place.in, as: journalName(it.sink.place.leaf)}, "removing ", err)
	}
	it.sink.mu.Lock()
	it.sink.release()
	it.sink.mu.Unlock()
	it.letGo()
	return it.err
}

// arrived notes which file hard links are to lead to.
func (s *Store) arrived(it *item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := s.linked[it.entry.ID]
	switch {
	case name == nil || it.check:
	case it.asIs:
		name.info, _ = it.old.file.Stat() // nil: the link will fail
	default:
		name.info = it.sink.held
	}
}
