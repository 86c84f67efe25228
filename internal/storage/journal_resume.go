package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// resume looks for what an earlier run has left of a file, and fills in what of
// it can be used. That run's partial file stays locked until Open takes it.
func (s *Store) resume(ctx context.Context, e tree.Entry, p *place, v *tree.Verdict) error {
	_, err := p.root.Lstat(partialName(p.leaf))
	if errors.Is(err, fs.ErrNotExist) {
		return s.tidy(e, p)
	}
	if err != nil {
		return wrap("creating "+p.shown(), err)
	}
	l, err := s.newLanding(e)
	if err != nil {
		return err
	}
	if err := l.sink.claimPartial(); err != nil {
		return joined(err, l.Close(true))
	}
	if err := l.takeUp(ctx, v); err != nil {
		return joined(err, l.Close(false))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resumed[e.ID] = l
	return nil
}

// tidy removes what an earlier run has left of a file of which nothing is wanted,
// or of which only the journal is left. What another run is at work with stays.
func (s *Store) tidy(e tree.Entry, p *place) error {
	name := journalName(p.leaf)
	if _, err := p.root.Lstat(name); err != nil {
		return nil //nolint:nilerr // there is none, which is usual
	}
	l, err := s.newLanding(e)
	if err != nil {
		return err
	}
	if err := l.sink.claimPartial(); err != nil {
		_ = l.Close(true) // it has nothing to remove
		return nil        //nolint:nilerr // another run has it; should this one need it, it will be told so
	}
	_ = s.seam.do(stepJournalRemove, func() error { return removeAt(p.root, name) }) // it is of no use, but harms nobody
	return l.Close(true)
}

// takeUp checks what an earlier run has left.
func (l *landing) takeUp(ctx context.Context, v *tree.Verdict) error {
	c := l.openJournal()
	if c != nil {
		v.Restarted = c.source.differs(identityOf(l.entry.Meta))
	}
	if c == nil || v.Restarted != "" {
		return l.startOver()
	}
	// From here on the journal is worth something: who stops now leaves it.
	for _, r := range c.ranges {
		l.journal.durable += r.Len
	}
	if err := l.verifyRanges(ctx, c.ranges); err != nil {
		return err
	}
	if err := l.cleanUp(); err != nil {
		v.Restarted = "what was there could not be separated from what an earlier run has left"
		return l.startOver()
	}
	v.Ranges = l.there.Without(l.entry.Ranges())
	v.Resumed = l.there.Bytes()
	return nil
}

// openJournal opens the journal of a partial file that is ours now. It is nil
// where there is none that could be used.
func (l *landing) openJournal() *chronicle {
	p := l.sink.place
	var c *chronicle
	var f *os.File
	err := l.sink.seam.do(stepJournalRead, func() (err error) {
		if f, err = openOurs(p, journalName(p.leaf), os.O_RDWR); err != nil {
			return err
		}
		c, err = decode(f)
		return err
	})
	if err != nil {
		if f != nil {
			_ = f.Close() // nothing was written to it
		}
		return nil
	}
	l.journal = newJournal(l, f, c.seed)
	l.journal.size = c.end
	// What follows the last good record must not come to stand behind ours.
	err = f.Truncate(c.end)
	if err == nil {
		err = l.journal.write(encodeWriter(us(), c.seed))
	}
	if err != nil {
		_ = f.Close() // it could not be written to
		l.journal = nil
		return nil
	}
	return c
}

// openOurs opens a file that belongs to us alone, through no symbolic link.
func openOurs(p *place, name string, flags int) (*os.File, error) {
	info, err := p.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || !ours(info) {
		return nil, fs.ErrPermission
	}
	f, err := p.root.OpenFile(name, flags|nonblock, 0)
	if err != nil {
		return nil, err
	}
	opened, err := f.Stat()
	if err == nil && !os.SameFile(info, opened) {
		err = fs.ErrPermission
	}
	if err != nil {
		_ = f.Close() // nothing was written to it
		return nil, err
	}
	return f, nil
}

// verifyRanges reads what is said to be right, and notes what is.
func (l *landing) verifyRanges(ctx context.Context, ranges []sum) error {
	for _, r := range ranges {
		if err := endedAt(ctx, "creating", l.sink.place); err != nil {
			return err
		}
		d := r.digest
		err := l.sink.seam.do(stepJournalRead, func() (err error) {
			d, err = sumOf(l.sink.file, r.Range)
			return err
		})
		if err != nil || d != r.digest {
			continue // it is missing again
		}
		l.there.Add(r.Range)
		if l.store.opts.ReadBack {
			l.sums = append(l.sums, r)
		}
	}
	return nil
}

// cleanUp keeps other readers out of the partial file. Where the file is to have
// holes, it makes one of everything that is not known to be right.
func (l *landing) cleanUp() error {
	if err := l.sink.file.Chmod(0o600); err != nil {
		return err
	}
	if l.entry.Data == nil {
		return nil
	}
	size := l.entry.Meta.Size
	for _, gap := range l.there.Without([]tree.Range{{Off: 0, Len: size}}) {
		err := l.sink.seam.do(stepPunch, func() error { return punch(l.sink.file, gap) })
		if err != nil {
			return err
		}
	}
	return nil
}

// startOver drops what an earlier run has left.
func (l *landing) startOver() error {
	l.there, l.sums = tree.Ranges{}, nil
	err := l.journal.remove()
	l.journal.close()
	l.journal = nil
	if err != nil {
		return err
	}
	if err := l.sink.discard(); err != nil {
		return err
	}
	return l.sink.openPartial()
}

// writer says who has the partial file, as far as its journal tells; else it is
// empty.
func (s *Sink) writer() string {
	f, err := openOurs(s.place, journalName(s.place.leaf), os.O_RDONLY)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // nothing was written to it
	c, err := decode(f)
	if err != nil || c.writer.Program == "" {
		return ""
	}
	return ": " + c.writer.String()
}

// checkOf returns the digest that an encoded record carries.
func checkOf(b []byte) uint64 { return binary.LittleEndian.Uint64(b[len(b)-recordTail:]) }
