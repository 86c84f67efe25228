package storage

import (
	"context"
	"os"
)

// item is a landing that is being committed.
type item struct {
	*landing // nil: it was none of ours
	progress

	asIs bool // the old file is right and stays
}

// takeForCommit ends all writing.
func (l *landing) takeForCommit() candidate {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != landingOpen {
		return &item{progress: progress{err: l.sink.closed("committing")}}
	}
	l.state = landingCommits
	return &item{landing: l, progress: progress{dry: l.check}}
}

func (it *item) folder() *folder { return it.sink.place.in }

func (it *item) shown() string { return it.sink.place.shown() }

func (it *item) wrap(verb string, err error) error { return it.sink.wrap(verb, err) }

// dress sets all but the bytes.
func (it *item) dress(ctx context.Context) error {
	switch {
	case it.check:
		return nil
	case it.asIs:
		return it.dressKept(ctx)
	}
	p := it.sink.place
	on := &subject{file: it.sink.file, root: p.root, leaf: it.sink.partial, in: p.in, as: p.leaf}
	return it.store.apply(on, &it.entry.Meta, it.mode)
}

// sync brings the file to stable storage by itself.
func (it *item) sync() error {
	err := it.sink.seam.do(stepSync, it.target().Sync)
	if err != nil {
		it.lost(err)
	}
	return it.err
}

// lost notes that the file could not be brought to stable storage: what was
// written of it may be gone.
func (it *item) lost(err error) { it.err, it.ruined = it.wrap("syncing", err), true }

// target is the file that will stand at the destination.
func (it *item) target() *os.File {
	if it.asIs {
		return it.old.file
	}
	return it.sink.file
}

// put renames the file into place. Of one that is kept, its name is to be brought
// to stable storage like any other: nobody knows when it was made.
func (it *item) put(ctx context.Context) error {
	if it.check {
		return nil
	}
	if err := endedAt(ctx, "committing", it); err != nil {
		return err
	}
	if it.asIs {
		err := it.stands(ctx)
		it.placed = err == nil
		return err
	}
	if err := it.sink.seam.do(stepVerify, it.sink.verify); err != nil {
		it.ruined = true
		return it.wrap("committing", err)
	}
	it.old.close() // not everywhere can a file be replaced that is open
	if err := it.sink.seam.do(stepRename, it.sink.rename); err != nil {
		return it.wrap("putting into place", err)
	}
	it.placed = true
	return nil
}

// settle has nothing to do: the file was on stable storage under its other name.
func (*item) settle() error { return nil }

// finish closes the file, and returns what became of it.
func (it *item) finish() error {
	switch {
	case it.landing == nil:
		return it.err
	case it.err == nil:
		it.store.arrived(it)
	case !it.placed:
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
	if !it.entry.Linked {
		return
	}
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
