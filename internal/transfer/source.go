package transfer

import (
	"context"
	"math"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// window is how much the entries may take that a source has told of and that are
// not through yet, in bytes: some ten thousand small ones.
const window = 1 << 20

// source is the half of an end that has the files.
type source struct {
	*end
	tree    tree.Source
	room    *semaphore.Weighted
	hashing sync.WaitGroup

	mu   sync.Mutex
	open map[int64]*given
	all  bool // the walk is over
}

// given is an entry that the sink was told of and that is not through yet.
type given struct {
	entry tree.Entry
	path  tree.Path
	load  *load // what of it is to be lent; nil: the other end asks for it

	mu     sync.Mutex
	file   tree.SourceFile // nil: closed
	users  int             // reads under way
	wanted bool
	got    tree.Ranges
	left   int64 // bytes that are wanted and not read yet
	whole  chan wholeDigest
	seal   tree.Seal
	failed bool
}

func newSource(e *end, t tree.Source) *source {
	return &source{end: e, tree: t, room: semaphore.NewWeighted(window), open: map[int64]*given{}}
}

// walk tells the sink of all entries.
func (s *source) walk(ctx context.Context) error {
	var paths tree.Paths
	err := s.tree.Walk(ctx, func(e tree.Entry) error {
		g := &given{entry: e, path: paths.Of(e)}
		if err := s.room.Acquire(ctx, g.cost()); err != nil {
			return err
		}
		s.mu.Lock()
		s.open[e.ID] = g
		s.mu.Unlock()
		s.tally.count(func(r *Report) { r.Entries++ })
		s.out.add(func(b *Batch) { b.Entries = append(b.Entries, e) })
		return nil
	}, func(p tree.Problem) {
		s.problem(p)
		s.out.add(func(b *Batch) { b.Problems = append(b.Problems, p) })
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.all = true
	s.mu.Unlock()
	s.out.add(func(b *Batch) { b.Last = true })
	return nil
}

// cost is what an entry takes of the window.
func (g *given) cost() int64 { return min(int64(entrySize(g.entry)), window) }

// find returns an entry that is not through yet; nil if there is none.
func (s *source) find(id int64) *given {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[id]
}

// release is done with an entry.
func (s *source) release(g *given) {
	s.mu.Lock()
	delete(s.open, g.entry.ID)
	s.mu.Unlock()
	g.close()
	s.room.Release(g.cost())
}

// verdict heeds the sink's word on an entry, and returns the entry if bytes of it
// are wanted.
func (s *source) verdict(v tree.Verdict) (*given, error) {
	g := s.find(v.ID)
	if g == nil || g.wanted {
		return nil, broke("a verdict on entry %d, which waits for none", v.ID)
	}
	if v.Answer == tree.Want && g.entry.Kind != tree.File {
		return nil, broke("bytes are wanted of %q, which is a %s", g.path, g.entry.Kind)
	}
	if n := len(v.Ranges); n > 0 && v.Ranges[n-1].End() > max(g.entry.Meta.Size, 0) {
		return nil, broke("bytes up to %d are wanted of %q, which has %d", v.Ranges[n-1].End(), g.path, g.entry.Meta.Size)
	}
	if s.options.Events.Decided != nil {
		s.options.Events.Decided(g.path.String(), g.entry, v)
	}
	switch v.Answer {
	case tree.Want:
		g.wanted = true
		for _, r := range v.Ranges {
			g.left += r.Len
		}
		s.tally.count(func(r *Report) { r.Resumed += v.Resumed })
		if g.entry.Meta.Size == tree.Streamed {
			g.left = math.MaxInt64 // until its end
		}
		if g.left == 0 {
			s.readNothing(g)
		}
		return g, nil
	case tree.Fail:
		s.problem(tree.Problem{Path: g.path.String(), Fault: v.Fault})
	case tree.Done:
		if g.entry.Kind == tree.File && v.Change&(tree.New|tree.Content|tree.Size) == 0 {
			s.remove(g)
		}
	case tree.Skip:
	}
	s.release(g)
	return nil, nil //nolint:nilnil // the entry is through
}

// outcome heeds the sink's last word on a file.
func (s *source) outcome(o Outcome) error {
	g := s.find(o.ID)
	if g == nil || !g.wanted {
		return broke("an outcome of entry %d, which waits for none", o.ID)
	}
	if o.Fault != nil {
		g.load.drop()
		s.problem(tree.Problem{Path: g.path.String(), Fault: o.Fault})
		s.release(g)
		return nil //nolint:nilerr // it is that file's only
	}
	g.mu.Lock()
	seal := g.seal
	g.mu.Unlock()
	switch {
	case seal.ID == 0 || seal.Fault != nil:
		return broke("%q is in place, but was not read to its end", g.path)
	case g.load.isDropped():
		return broke("%q is in place, but not all of it was wanted", g.path)
	}
	s.tally.count(func(r *Report) { r.Files++ })
	if s.options.Events.Committed != nil {
		s.options.Events.Committed(g.path.String(), g.entry, seal)
	}
	s.remove(g)
	s.release(g)
	return nil
}

// unwanted lends no more of files that the sink has given up: an outcome will say why.
func (s *source) unwanted(segments []Segment) {
	for _, seg := range segments {
		if g := s.find(seg.ID); g != nil {
			g.load.drop()
		}
	}
}

// remove removes a file whose copy is safe, if that was asked for.
func (s *source) remove(g *given) {
	if !s.options.Remove {
		return
	}
	if err := s.tree.Remove(g.entry); err != nil {
		s.problem(tree.Problem{Path: g.path.String(), Fault: err})
	}
}

// complete fails unless every entry is through.
func (s *source) complete() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.all || len(s.open) > 0 {
		return broke("it says that all is done, but %d entries are not", len(s.open))
	}
	return nil
}

// close closes what is open still.
func (s *source) close() {
	s.hashing.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.open {
		g.close()
	}
}

// fail ends a file that cannot be read, and tells the sink of the first reason.
func (s *source) fail(g *given, err error) {
	seal := tree.Seal{ID: g.entry.ID, Fault: err}
	g.mu.Lock()
	first := !g.failed
	if first {
		g.failed, g.seal = true, seal
	}
	g.mu.Unlock()
	if first {
		g.load.drop()
		s.out.add(func(b *Batch) { b.Seals = append(b.Seals, seal) })
	}
}

func (g *given) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.users == 0 {
		g.closeLocked()
	}
	g.failed = true // who still reads closes it
}

// asFault makes a fault of an error that is none.
func asFault(what string, err error) error {
	if _, ok := fault.As(err); ok {
		return err
	}
	return fault.New(fault.IO, what, err, "")
}
