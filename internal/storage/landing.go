package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// landing is a file of a Store in the making: a Sink, with what it has and what it
// takes over from the file that it replaces. It is a tree.Landing.
type landing struct {
	store *Store
	entry tree.Entry
	sink  *Sink
	mode  fs.FileMode // what the file gets
	old   *oldFile    // what stands there; nil if nobody asks
	check bool        // nothing is written: --verify

	begun  atomic.Bool // the partial file is open
	ruined bool        // what was written is of no use to a later run

	mu      sync.Mutex
	state   landingState
	there   tree.Ranges // right, and in the partial file
	kept    tree.Ranges // right, and in the old file only
	keeps   []sum       // the same, with digests
	sums    []sum       // of all that is right, where it is to be read back
	seal    *tree.Seal
	journal *journal // nil if the file is not worth it
}

// sum is the digest of a range that is right.
type sum struct {
	tree.Range
	digest transport.Digest
}

type landingState int

const (
	landingOpen landingState = iota
	landingCommits
	landingClosed
)

// Open starts a file that is wanted. See tree.Sink.
func (s *Store) Open(e tree.Entry, v tree.Verdict) (tree.Landing, error) {
	s.life.RLock()
	defer s.life.RUnlock()
	u, err := s.openUnnamed(&e, &v)
	switch {
	case err != nil:
		return nil, err // not u, which would not be nil as a Landing
	case u != nil:
		return u, nil
	}
	l, err := s.takeResumed(e)
	if l == nil && err == nil {
		l, err = s.newLanding(e)
	}
	if err != nil {
		return nil, err
	}
	if err := l.prepare(v); err != nil {
		return nil, joined(err, l.Close(false))
	}
	return l, nil
}

// takeResumed returns what Add has found to go on with; nil if that is nothing.
func (s *Store) takeResumed(e tree.Entry) (*landing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fault.New(fault.Internal, "creating "+shown(e.Name), errors.New("the store is closed"), "")
	}
	l := s.resumed[e.ID]
	delete(s.resumed, e.ID)
	return l, nil
}

// newLanding makes a landing that has opened nothing yet but its directory.
func (s *Store) newLanding(e tree.Entry) (*landing, error) {
	f, leaf, err := s.whereAdded(&e)
	if err != nil {
		return nil, err
	}
	p, err := s.place(f, leaf)
	if err != nil {
		return nil, err
	}
	l := &landing{
		store: s, entry: e, check: s.opts.Verify,
		sink: &Sink{place: p, partial: partialName(leaf), meta: e.Meta, seam: s.seam, way: s.opts.Way},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[l] = true
	return l, nil
}

// whereAdded returns the directory and the name of a file that Add has taken.
func (s *Store) whereAdded(e *tree.Entry) (*folder, string, error) {
	f, leaf := s.base, e.Name
	if e.Parent != 0 {
		f = s.dirs.get(e.Parent)
	} else if s.single != "" {
		leaf = s.single
	}
	if f == nil || e.Kind != tree.File {
		return nil, "", fault.New(fault.Internal, "creating "+shown(e.Name), fmt.Errorf("%v %d was not added", e.Kind, e.ID), "")
	}
	return f, leaf, nil
}

// prepare makes the landing ready for what the verdict says. Where there is
// nothing to compare, the partial file is made at once: better that than after
// the bytes have come all the way.
func (l *landing) prepare(v tree.Verdict) error {
	var old fs.FileInfo
	if v.Change&(tree.New|tree.Kinds) == 0 {
		var err error
		old, err = l.sink.place.root.Lstat(l.sink.place.leaf)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return l.sink.wrap("looking at", err)
		}
		if err != nil || !old.Mode().IsRegular() {
			old = nil
		}
	}
	l.mode = l.store.wantMode(l.entry.Meta, old)
	if v.Compare && old != nil {
		var err error
		if l.old, err = openOld(l.sink.place, old); err != nil {
			return err
		}
	}
	if l.check || l.old != nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begin()
}

// WriteAt writes bytes to the partial file.
func (l *landing) WriteAt(b []byte, off int64) (int, error) {
	if l.check {
		return len(b), nil
	}
	if err := l.ready(); err != nil {
		return 0, err
	}
	return l.sink.WriteAt(b, off)
}

// ready sees to it that there is a partial file to write to.
func (l *landing) ready() error {
	if l.begun.Load() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != landingOpen {
		return l.sink.closed("writing")
	}
	return l.begin()
}

// begin makes the partial file, and takes over what the old file has right. L is
// locked.
func (l *landing) begin() error {
	if l.begun.Load() {
		return nil
	}
	if err := l.sink.start(l.entry, l.old != nil); err != nil {
		return err
	}
	l.begun.Store(true)
	if l.journal == nil && l.store.worthResuming(l.entry) {
		l.journal = l.startJournal()
	}
	return l.fill()
}

// Landed says that what was written at r is right.
func (l *landing) Landed(r tree.Range, d transport.Digest) {
	if l.check {
		return
	}
	l.old.answered(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != landingOpen {
		return
	}
	l.there.Add(r)
	l.right(r, d)
}

// right notes the digest of a range that is in the partial file. L is locked.
func (l *landing) right(r tree.Range, d transport.Digest) {
	if l.store.opts.ReadBack {
		l.sums = append(l.sums, sum{r, d})
	}
	if l.journal != nil {
		l.journal.add(sum{r, d})
	}
}

// Sealed notes the source's last word.
func (l *landing) Sealed(s tree.Seal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seal = &s
}

// Close gives the file up, unless it was committed.
func (l *landing) Close(forget bool) error {
	l.mu.Lock()
	if l.state != landingOpen {
		l.mu.Unlock()
		return nil
	}
	l.state = landingClosed
	l.mu.Unlock()
	return l.giveUp(forget)
}

// giveUp lets go of everything. What is worth it stays for the next run.
func (l *landing) giveUp(forget bool) error {
	stays := l.journal.end(!forget && l.sink.spoiled.Load() == nil)
	var err error
	l.sink.mu.Lock()
	if stays {
		_ = l.sink.file.Chmod(0o600) // it may have the destination's mode already
		_ = unlock(l.sink.file)      // closing it does it, too
		l.sink.release()
	} else {
		err = l.journal.remove()
		if more := l.sink.abandon(); err == nil {
			err = more
		}
	}
	l.sink.mu.Unlock()
	l.letGo()
	return err
}

// letGo closes what is left to close, and takes the landing off the Store's list.
func (l *landing) letGo() {
	l.journal.close()
	l.old.close()
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	delete(l.store.open, l)
}
