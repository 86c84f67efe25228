package transfer

import (
	"context"
	"errors"
	"sync"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// maxOpen is how many entries a source may have told of that are not through yet:
// more than fit into the window of an honest one.
const maxOpen = 1 << 15

// sink is the half of an end that makes the files.
type sink struct {
	*end
	tree   tree.Sink
	wanted func(ts []*taken) // called with files as soon as they are wanted; may be nil

	wake chan struct{} // holds one token if there is something new for add
	due  chan struct{} // holds one token if there is something new for commit
	idle chan struct{} // closed once all is committed

	mu      sync.Mutex
	arrived []tree.Entry // not looked at yet
	last    bool         // no more will come
	lastID  int64        // of the entries that arrived
	busy    int          // entries that add has in hand
	files   map[int64]*taken
	ready   []*taken // to commit
	commits int      // files that commit has in hand
	dirty   bool     // something could not be copied
	ended   bool     // idle is closed
}

// taken is a file that is wanted.
type taken struct {
	entry   tree.Entry
	path    string
	verdict tree.Verdict

	open    sync.Once
	landing tree.Landing
	err     error // of opening it

	// The rest belongs to the sink's lock.
	there tree.Ranges // what has landed
	left  int64       // bytes that have not
	seal  *tree.Seal
}

func newSink(e *end, t tree.Sink) *sink {
	return &sink{
		end: e, tree: t, files: map[int64]*taken{},
		wake: make(chan struct{}, 1), due: make(chan struct{}, 1), idle: make(chan struct{}),
	}
}

// hear heeds what concerns the sink of the source's words.
func (s *sink) hear(b Batch) error {
	if err := s.list(b); err != nil {
		return err
	}
	for _, seal := range b.Seals {
		if err := s.fits(seal); err != nil {
			return err
		}
		if t := s.sealed(seal); t != nil {
			s.fail(t, seal.Fault, true)
		}
	}
	signal(s.wake)
	return nil
}

// list notes the entries that arrived.
func (s *sink) list(b Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range b.Entries {
		if s.last || e.ID != s.lastID+1 {
			return broke("entry %d follows entry %d", e.ID, s.lastID)
		}
		s.lastID = e.ID
	}
	s.arrived = append(s.arrived, b.Entries...)
	s.last = s.last || b.Last
	if n := len(s.arrived) + s.busy + len(s.files); n > maxOpen {
		return broke("%d entries at once", n)
	}
	if len(b.Problems) > 0 {
		s.dirty = true
	}
	return nil
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// add takes the entries in, in their order, until the last.
func (s *sink) add(ctx context.Context) error {
	var paths tree.Paths
	for {
		pause(2)
		s.mu.Lock()
		batch := s.arrived
		s.arrived, s.busy = nil, len(batch)
		last := s.last
		s.rest()
		s.mu.Unlock()
		if len(batch) == 0 {
			if last {
				return nil
			}
			select {
			case <-s.wake:
			case <-ctx.Done():
				return ctx.Err()
			}
			continue
		}
		if err := s.addAll(ctx, batch, &paths); err != nil {
			return err
		}
	}
}

// addAll takes entries in.
func (s *sink) addAll(ctx context.Context, batch []tree.Entry, paths *tree.Paths) error {
	var wanted []*taken
	for _, e := range batch {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		path := paths.Of(e)
		v := s.tree.Add(ctx, e)
		v.ID = e.ID
		s.tally.count(func(r *Report) { r.Entries++ })
		if s.options.Events.Decided != nil {
			s.options.Events.Decided(path, e, v)
		}
		switch v.Answer {
		case tree.Want:
			v.Ranges = tree.Coalesce(v.Ranges, MaxRanges)
			wanted = append(wanted, s.take(e, path, v))
		case tree.Fail:
			s.failed(path, v.Fault)
		case tree.Done, tree.Skip:
		}
		s.out.add(func(b *Batch) { b.Verdicts = append(b.Verdicts, v) })
	}
	if s.wanted != nil && len(wanted) > 0 {
		s.wanted(wanted)
	}
	return nil
}

// take notes a file that is wanted.
func (s *sink) take(e tree.Entry, path string, v tree.Verdict) *taken {
	t := &taken{entry: e, path: path, verdict: v}
	wanted := tree.RangesOf(v.Ranges)
	t.left = wanted.Bytes()
	t.there = *tree.RangesOf(wanted.Without([]tree.Range{{Len: max(e.Meta.Size, 0)}})) // the rest is not asked for
	s.tally.count(func(r *Report) { r.Resumed += v.Resumed })
	s.mu.Lock()
	s.files[e.ID] = t
	s.mu.Unlock()
	return t
}

// find returns a file that is wanted still; nil if there is none.
func (s *sink) find(id int64) *taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files[id]
}

// landingOf opens a file when it is first needed.
func (s *sink) landingOf(t *taken) (tree.Landing, error) {
	t.open.Do(func() {
		t.landing, t.err = s.tree.Open(t.entry, t.verdict)
	})
	return t.landing, t.err
}

// write writes a segment's bytes. A file that cannot be written is given up, and
// the rest of the bundle goes on.
func (s *sink) write(seg Segment, p []byte) {
	t := s.find(seg.ID)
	if t == nil {
		return
	}
	l, err := s.landingOf(t)
	if err == nil {
		_, err = l.WriteAt(p, seg.Off)
	}
	if err != nil {
		s.fail(t, asFault("writing "+t.path, err), false)
	}
}

// old is the digest of what the destination has of a segment.
func (s *sink) old(seg Segment) (transport.Digest, bool) {
	if t := s.find(seg.ID); t != nil {
		if l, err := s.landingOf(t); err == nil {
			return l.Old(seg.Range)
		}
	}
	return transport.Digest{}, false
}

// arrival is how a segment has come to be at the destination.
type arrival int

const (
	moves   arrival = iota // its bytes were written, and are right
	keeps                  // the destination's file has them
	differs                // it has others, and nothing is to be moved
)

// landed notes a segment that is right. Of a segment that arrives twice, the
// bytes count once.
func (s *sink) landed(seg Segment, d transport.Digest, how arrival) {
	t := s.find(seg.ID)
	if t == nil {
		return
	}
	l, err := s.landingOf(t)
	switch {
	case err != nil:
		s.fail(t, asFault("writing "+t.path, err), false)
		return
	case how == moves:
		l.Landed(seg.Range, d)
	case how == keeps:
		l.Keep(seg.Range)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := t.there.Bytes()
	t.there.Add(seg.Range)
	t.left -= t.there.Bytes() - before
	s.settleUp(t)
}

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

// commit puts files into place, as many at a time as there are.
func (s *sink) commit(ctx context.Context) error {
	for {
		pause(7)
		s.mu.Lock()
		batch := s.ready
		s.ready, s.commits = nil, len(batch)
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
			s.outcome(t, asFault("writing "+t.path, err))
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
	if err != nil {
		err = asFault("writing "+t.path, err)
		s.failed(t.path, err)
	} else {
		s.tally.count(func(r *Report) { r.Files++ })
		if s.options.Events.Committed != nil {
			s.options.Events.Committed(t.path, t.entry, *t.seal)
		}
	}
	s.out.add(func(b *Batch) { b.Outcomes = append(b.Outcomes, Outcome{t.entry.ID, err}) })
}

// fail gives a file up; forget says that what has come of it is of no use.
func (s *sink) fail(t *taken, err error, forget bool) {
	s.mu.Lock()
	mine := s.files[t.entry.ID] == t
	delete(s.files, t.entry.ID)
	s.mu.Unlock()
	if !mine {
		return
	}
	if cleanup := t.close(forget); cleanup != nil {
		err = asFault("cleaning up after "+t.path, errors.Join(err, cleanup))
	}
	s.outcome(t, err)
	signal(s.due) // it may have been the last
}

// failed notes that something was not copied.
func (s *sink) failed(path string, err error) {
	s.mu.Lock()
	s.dirty = true
	s.mu.Unlock()
	s.problem(tree.Problem{Path: path, Fault: err})
}

// rest closes idle once nothing is left to do. S is locked.
func (s *sink) rest() {
	if !s.ended && s.last && len(s.arrived)+s.busy+len(s.files)+len(s.ready)+s.commits == 0 {
		s.ended = true
		close(s.idle)
	}
}

// settled waits until every file is in place or given up.
func (s *sink) settled(ctx context.Context) error {
	select {
	case <-s.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// finish does what comes last.
func (s *sink) finish(ctx context.Context) error {
	s.mu.Lock()
	clean := !s.dirty
	s.mu.Unlock()
	return s.tree.Finish(ctx, clean, tree.Notes{
		Problem: func(p tree.Problem) {
			s.problem(p)
			s.out.add(func(b *Batch) { b.Problems = append(b.Problems, p) })
		},
		Removed: func(path string) {
			if s.options.Events.Removed != nil {
				s.options.Events.Removed(path)
			}
			s.out.add(func(b *Batch) { b.Removed = append(b.Removed, path) })
		},
	})
}

// close gives up whatever was not committed, and keeps what is worth resuming.
func (s *sink) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, t := range s.files {
		errs = append(errs, t.close(false))
	}
	for _, t := range s.ready {
		errs = append(errs, t.close(false))
	}
	return errors.Join(errs...)
}

var errGivenUp = errors.New("it was given up")

// close gives a file up. One that was never opened cannot be any more.
func (t *taken) close(forget bool) error {
	t.open.Do(func() { t.err = errGivenUp })
	if t.landing == nil {
		return nil
	}
	return t.landing.Close(forget)
}
