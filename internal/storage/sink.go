package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"sync"
	"sync/atomic"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Sink is a file in the making. Its bytes go to a partial file in the
// destination's directory, named .NAME.rdmacp-partial, which no other copy can
// write to meanwhile. Commit puts the file into place; a Sink that is closed
// without leaves nothing behind. What a killed process leaves is used again by
// the next copy to the same name.
//
// WriteAt may be called from several goroutines.
type Sink struct {
	place   *place
	partial string // the partial file's name beside the leaf
	meta    Meta
	seam    seam
	fresh   bool        // this Sink has made the partial file, rather than found it
	held    fs.FileInfo // which file the partial file is
	way     tree.Way    // that is asked for
	past    bypass      // past the page cache
	memory  struct {    // whether the file lives there
		once sync.Once
		yes  bool
	}

	spoiled atomic.Pointer[fault.Error] // the first write that failed

	mu   sync.RWMutex // held for reading by writes, for writing by Commit and Close
	file *os.File     // nil once the Sink is closed
	full bool         // nothing more is to be written
}

// newSink takes over p.
func newSink(p *place, m Meta, sm seam) (*Sink, error) {
	s := &Sink{place: p, partial: partialName(p.leaf), meta: m, seam: sm}
	if m.Size < 0 || m.Allocated < 0 {
		err := fault.New(fault.Internal, "creating "+p.shown(), fmt.Errorf("size %d, %d allocated", m.Size, m.Allocated), "")
		return nil, joined(err, p.close())
	}
	if err := s.openPartial(); err != nil {
		return nil, joined(err, s.abandon())
	}
	if err := s.reserve(); err != nil {
		return nil, joined(err, s.abandon())
	}
	return s, nil
}

// WriteAt writes all of b at offset off. A range that reaches beyond the size
// that the Sink was created with is refused. Once a write failed, the Sink
// cannot be committed any more.
func (s *Sink) WriteAt(b []byte, off int64) (int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.accepts(int64(len(b)), off); err != nil {
		return 0, err
	}
	n, err := s.writeTo(s.file, b, off)
	if err != nil {
		err = s.spoil("writing", err)
	}
	return n, err
}

// writeTo writes b by one of the ways into the file.
func (s *Sink) writeTo(f *os.File, b []byte, off int64) (n int, err error) {
	err = s.seam.do(stepWrite, func() (err error) {
		n, err = f.WriteAt(b, off)
		return err
	})
	return n, err
}

// accepts refuses n bytes at off that are not to be written. S is locked.
func (s *Sink) accepts(n, off int64) error {
	if s.file == nil || s.full {
		return s.closed("writing")
	}
	if !s.within(n, off) {
		return fault.New(fault.Internal, "writing "+s.place.shown(),
			fmt.Errorf("%d bytes at %d reach beyond the size of %d", n, off, s.meta.Size), "")
	}
	return nil
}

// within reports whether n bytes at off lie in the file. A file that comes out of
// a pipe has no end yet.
func (s *Sink) within(n, off int64) bool {
	size := s.meta.Size
	if size == tree.Streamed {
		size = math.MaxInt64
	}
	return off >= 0 && off <= size && n <= size-off
}

// spoil keeps the Sink from being committed: bytes that were said to be written
// may not be there.
func (s *Sink) spoil(verb string, err error) error {
	err = s.wrap(verb, err)
	if f, ok := fault.As(err); ok {
		s.spoiled.CompareAndSwap(nil, f)
	}
	return err
}

// Close removes the partial file unless Commit succeeded. It waits for writes
// that are under way, and may be called again.
func (s *Sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.abandon()
}

// abandon removes the partial file and lets go of everything. The name goes
// first and the lock last: who gets the lock next finds the name gone, or
// another file there.
func (s *Sink) abandon() error {
	var err error
	if s.file != nil {
		err = s.wrap("removing the partial file of", s.seam.do(stepRemove, s.removePartial))
	}
	s.release()
	return err
}

// removePartial removes the partial file, unless its name has become another
// file's.
func (s *Sink) removePartial() error {
	still, err := s.stillThere()
	if err != nil || !still {
		return err
	}
	return removeAt(s.place.root, s.partial)
}

// release closes everything, which gives the lock back. There is nothing left to
// be told: the bytes are synced or to be thrown away.
func (s *Sink) release() {
	if s.file != nil {
		_ = s.file.Close()
	}
	s.past.close()
	_ = s.place.close()
	s.file = nil
}

func (s *Sink) closed(verb string) error {
	return s.wrap(verb, os.ErrClosed)
}

// wrap is a fault about the destination.
func (s *Sink) wrap(verb string, err error) error {
	return wrap(verb+" "+s.place.shown(), err)
}

// joined is the fault that stopped a Sink, with what went wrong while cleaning
// up after it.
func joined(err, cleanup error) error {
	if cleanup == nil {
		return err
	}
	f, ok := fault.As(err)
	if !ok {
		return errors.Join(err, cleanup)
	}
	return fault.New(f.Code, f.What, fmt.Errorf("%w (and %w)", f.Why, cleanup), f.Fix)
}
