package rdmacp

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// stdoutSink is a tree.Sink for one file whose bytes go to a stream in their
// order. What comes early waits in memory, and keeps whoever brought it waiting
// too, so that it never is more than the chunks in flight. Nobody waits any more
// once the transfer is over, whoever reads the stream or does not.
type stdoutSink struct {
	w io.Writer

	mu      sync.Mutex
	turn    *sync.Cond
	taken   bool             // a file was added
	next    int64            // what was written so far
	early   map[int64][]byte // by offset
	ended   bool             // the transfer is over, whatever it has brought
	seal    *tree.Seal
	size    int64
	failure error // of writing
}

func newStdoutSink(w io.Writer) *stdoutSink {
	s := &stdoutSink{w: w, early: map[int64][]byte{}}
	s.turn = sync.NewCond(&s.mu)
	return s
}

// Add takes the one file.
func (s *stdoutSink) Add(ctx context.Context, e tree.Entry) tree.Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := tree.Verdict{ID: e.ID, Answer: tree.Fail}
	const what = "writing to standard output"
	switch {
	case e.Kind != tree.File:
		v.Fault = fault.New(fault.NotRegular, what, errors.New("it is a "+e.Kind.String()), "name a regular file")
	case s.taken:
		v.Fault = fault.New(fault.Usage, what, errors.New("there is more than one file"), "name a single one")
	default:
		s.taken, s.size = true, e.Meta.Size
		context.AfterFunc(ctx, s.end)
		v.Answer, v.Change = tree.Want, tree.New
		if e.Meta.Size > 0 { // holes, too: a stream has none
			v.Ranges = []tree.Range{{Off: 0, Len: e.Meta.Size}}
		}
	}
	return v
}

// end lets everyone go who waits for a turn.
func (s *stdoutSink) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.turn.Broadcast()
}

// Open returns the file.
func (s *stdoutSink) Open(tree.Entry, tree.Verdict) (tree.Landing, error) { return stdoutFile{s}, nil }

// Commit finds out whether all has gone out.
func (s *stdoutSink) Commit(_ context.Context, ls []tree.Landing) []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := make([]error, len(ls))
	for i := range errs {
		switch {
		case s.failure != nil:
			errs[i] = s.failure
		case s.seal == nil || s.next != s.size:
			errs[i] = fault.New(fault.Internal, "writing to standard output", errors.New("not all of the file has come"), "")
		default:
			errs[i] = s.seal.Fault
		}
	}
	return errs
}

// Finish has nothing to do.
func (s *stdoutSink) Finish(context.Context, bool, tree.Notes) error { return nil }

// Path says that there is none.
func (s *stdoutSink) Path() string { return "" }

// Close lets everyone go.
func (s *stdoutSink) Close() error {
	s.end()
	return nil
}

// stdoutFile is the file of a stdoutSink.
type stdoutFile struct{ *stdoutSink }

// WriteAt keeps bytes until Landed says that they are right.
func (f stdoutFile) WriteAt(b []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failure != nil {
		return 0, f.failure
	}
	f.early[off] = append(f.early[off][:0], b...)
	return len(b), nil
}

// Landed hands bytes on once it is their turn, and waits until they are written. A
// pipe may take nothing for ever: the one who waits for it can leave, the call that
// writes cannot.
func (f stdoutFile) Landed(r tree.Range, _ transport.Digest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.next < r.Off && !f.ended && f.failure == nil {
		f.turn.Wait()
	}
	b := f.early[r.Off]
	delete(f.early, r.Off)
	if f.next != r.Off || f.ended || f.failure != nil {
		return // it was written before, or nobody wants it any more
	}
	go f.write(b, r) // it is this range's turn, until next says otherwise
	for f.next == r.Off && !f.ended && f.failure == nil {
		f.turn.Wait()
	}
}

// write writes the bytes of a range.
func (f stdoutFile) write(b []byte, r tree.Range) {
	_, err := f.w.Write(b)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.failure = stdoutFault(err)
	}
	f.next = r.End()
	f.turn.Broadcast()
}

// Old has nothing: a stream holds no file.
func (f stdoutFile) Old(tree.Range) (transport.Digest, bool) { return transport.Digest{}, false }

// Keep is never called, since Old has nothing.
func (f stdoutFile) Keep(tree.Range) {}

// Sealed notes the source's last word.
func (f stdoutFile) Sealed(s tree.Seal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seal = &s
}

// Close gives the file up.
func (f stdoutFile) Close(bool) error {
	f.end()
	return nil
}
