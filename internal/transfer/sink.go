package transfer

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// maxOpen is how many entries a source may have told of that are not through yet:
// more than fit into the window of an honest one.
const maxOpen = 1 << 15

// sink is the half of an end that makes the files.
type sink struct {
	*end
	tree   tree.Sink
	most   int64               // files in the making at once
	room   *semaphore.Weighted // for them
	wanted func(ts []*taken)   // called with files as soon as they are wanted; may be nil

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
	begun   int      // files that bundles bring in parts
}

func newSink(e *end, t tree.Sink) *sink {
	most := int64(e.options.open())
	return &sink{
		end: e, tree: t, most: most, room: semaphore.NewWeighted(most), files: map[int64]*taken{},
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
	if admit := s.options.Admit; admit != nil {
		for _, e := range b.Entries {
			if err := admit(e); err != nil {
				return err
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range b.Entries {
		if s.last || e.ID != s.lastID+1 {
			return broke("entry %d follows entry %d", e.ID, s.lastID)
		}
		s.lastID = e.ID
	}
	if len(s.arrived) == 0 {
		s.arrived = b.Entries // a message's are nobody else's
	} else {
		s.arrived = append(s.arrived, b.Entries...)
	}
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

// find returns a file that is wanted still; nil if there is none.
func (s *sink) find(id int64) *taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files[id]
}

// fail gives a file up; forget says that what has come of it is of no use.
func (s *sink) fail(t *taken, err error, forget bool) {
	s.mu.Lock()
	mine := s.files[t.entry.ID] == t
	delete(s.files, t.entry.ID)
	l := t.load
	s.mu.Unlock()
	if !mine {
		return
	}
	l.drop()
	if cleanup := t.close(forget); cleanup != nil {
		err = asFault("cleaning up after "+t.path.String(), errors.Join(err, cleanup))
	}
	s.outcome(t, err)
	signal(s.due) // it may have been the last
}

// asks notes that what of a file is wanted is asked for by a load.
func (s *sink) asks(t *taken, l *load) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.load = l; s.files[t.entry.ID] != t {
		l.drop() // it was given up meanwhile
	}
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
