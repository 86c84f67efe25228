package storage

import (
	"context"
	"errors"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// candidate is a file that is being committed. All but so is called only of one
// that has not failed yet, and in the order in which it stands here.
type candidate interface {
	so() *progress
	folder() *folder
	shown() string
	wrap(verb string, err error) error

	ready(ctx context.Context) error    // find out whether all is there and right
	readBack(ctx context.Context) error // read it from the disk
	dress(ctx context.Context) error    // set all but the bytes
	sync() error                        // bring it to stable storage by itself
	lost(err error)                     // it has failed, since it could not be brought there
	put(ctx context.Context) error      // put it into place
	settle() error                      // do what is left to be done for it to be there after a crash, apart from its directory
	finish() error                      // let go of it, failed or not; returns what became of it
}

// progress is how far a candidate has come.
type progress struct {
	err    error
	placed bool // it is in place
	dry    bool // nothing is written
}

func (p *progress) so() *progress { return p }

// Commit puts files into place, many at a time, since bringing them to stable
// storage is what takes long. See tree.Sink, and Sink.Commit for what a failure
// means.
func (s *Store) Commit(ctx context.Context, ls []tree.Landing) []error {
	s.life.RLock()
	defer s.life.RUnlock()
	items := make([]candidate, len(ls))
	for i, l := range ls {
		items[i] = s.takeForCommit(l)
	}
	errs := make([]error, 0, len(ls))
	defer func() { letGoAll(items[len(errs):]) }() // of none, unless there is a panic
	s.bring(ctx, items)
	s.bring(ctx, s.nameAll(items))
	s.syncFolders(items)
	for _, it := range items {
		err := it.finish()
		if err != nil {
			s.trouble.Store(true)
		}
		errs = append(errs, err)
	}
	return errs
}

// letGoAll gives files up that a panic has found in a commit: what stays locked would be in the way of
// who copies them again.
func letGoAll(items []candidate) {
	for _, it := range items {
		func() {
			defer func() { _ = recover() }() // the first one is told
			if p := it.so(); p.err == nil && !p.placed {
				p.err = errPanicked
			}
			_ = it.finish()
		}()
	}
}

// errPanicked is what became of them.
var errPanicked = errors.New("a panic has ended the commit")

// bring puts files into place whose names are not durable yet.
func (s *Store) bring(ctx context.Context, items []candidate) {
	each(items, func(it candidate) error { return it.ready(ctx) })
	if s.opts.ReadBack {
		s.syncFiles(ctx, items)
		each(items, func(it candidate) error { return it.readBack(ctx) })
	}
	each(items, func(it candidate) error { return it.dress(ctx) })
	s.syncFiles(ctx, items)
	each(items, func(it candidate) error { return it.put(ctx) })
}

// each goes on with those that have not failed.
func each(items []candidate, step func(candidate) error) {
	for _, it := range items {
		if p := it.so(); p.err == nil {
			p.err = step(it)
		}
	}
}

// takeForCommit makes a candidate of a landing. Nobody writes to it from here on.
func (s *Store) takeForCommit(tl tree.Landing) candidate {
	switch l := tl.(type) {
	case *unnamed:
		if l.store == s {
			return l.takeForCommit()
		}
	case *landing:
		if l.store == s {
			return l.takeForCommit()
		}
	}
	return &item{progress: progress{err: fault.New(fault.Internal, "committing", errors.New("it is not a file of this store"), "")}}
}
