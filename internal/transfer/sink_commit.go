package transfer

import (
	"context"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// fits refuses a seal of what nobody has told of, or of another size than was told.
func (s *sink) fits(seal tree.Seal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if seal.ID > s.lastID {
		return broke("entry %d is read, but was not told of", seal.ID)
	}
	t := s.files[seal.ID]
	if t != nil && seal.Fault == nil && t.entry.Meta.Size != tree.Streamed && seal.Size != t.entry.Meta.Size {
		return broke("%q was read with %d bytes, and has %d", t.path, seal.Size, t.entry.Meta.Size)
	}
	return nil
}

// sealed heeds the source's last word on a file, and returns the file if it is to
// be given up.
func (s *sink) sealed(seal tree.Seal) *taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.files[seal.ID]
	if t == nil || seal.Fault != nil {
		return t // nil: it was given up here, or waits for its commit
	}
	if t.entry.Meta.Size == tree.Streamed && t.seal == nil {
		t.left += seal.Size
	}
	t.seal = &seal
	s.settleUp(t)
	return nil
}

// settleUp hands a file to commit once all of it is there. S is locked.
func (s *sink) settleUp(t *taken) {
	if t.seal == nil || t.left > 0 || s.files[t.entry.ID] != t {
		return
	}
	delete(s.files, t.entry.ID)
	s.ready = append(s.ready, t)
	signal(s.due)
}

// maxCommit is how many files are put into place at a time: empty ones are opened
// no sooner.
const maxCommit = 512

// commit puts files into place, as many at a time as there are.
func (s *sink) commit(ctx context.Context) error {
	for {
		pause(7)
		s.mu.Lock()
		batch := s.ready[:min(len(s.ready), maxCommit)]
		s.ready, s.commits = s.ready[len(batch):], len(batch)
		s.rest()
		s.mu.Unlock()
		if len(batch) > 0 {
			s.commitAll(ctx, batch)
			continue
		}
		select {
		case <-s.due:
		case <-s.idle:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// commitAll puts files into place and tells what became of each.
func (s *sink) commitAll(ctx context.Context, batch []*taken) {
	open := batch[:0:0]
	landings := make([]tree.Landing, 0, len(batch))
	for _, t := range batch {
		l, err := s.landingOf(t)
		if err != nil {
			s.outcome(t, asFault("writing "+t.path.String(), err))
			continue
		}
		l.Sealed(*t.seal)
		open, landings = append(open, t), append(landings, l)
	}
	errs := s.tree.Commit(ctx, landings)
	if ctx.Err() != nil {
		return // what did not get into place waits for the next run
	}
	for i, err := range errs {
		s.outcome(open[i], err)
	}
}

// outcome tells what became of a file.
func (s *sink) outcome(t *taken, err error) {
	s.free(t)
	if err != nil {
		err = asFault("writing "+t.path.String(), err)
		s.failed(t.path.String(), err)
	} else {
		s.tally.count(func(r *Report) { r.Files++ })
		if s.options.Events.Committed != nil {
			s.options.Events.Committed(t.path.String(), t.entry, *t.seal)
		}
	}
	s.out.add(func(b *Batch) { b.Outcomes = append(b.Outcomes, Outcome{t.entry.ID, err}) })
}
