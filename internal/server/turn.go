package server

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// patientFor is how many times as long a client may be silent that has digests of whole
// files to compute: of one that was resumed at its end it says nothing until it has read
// all that was there before.
const patientFor = 6

// turn tells in a copy for how long it has been the client's turn. It is not as long as
// this end moves bytes, waits for a limit of its own, or has a disk do something; nor
// does a client that waits for the daemon get to be blamed for it. What is left are
// entries, verdicts, offers, seals and outcomes that the client has not told of: a
// heartbeat is none of these.
type turn struct {
	limit time.Duration // how long it may be; 0: for ever

	mu    sync.Mutex
	ours  int       // things that this end does at the moment
	since time.Time // when the last thing was done, or heard
}

// heard notes that the client has said something.
func (t *turn) heard() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.since = time.Now()
}

// busy notes that this end does something, until done is called.
func (t *turn) busy() (done func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ours++
	return t.rest
}

func (t *turn) rest() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ours--
	t.since = time.Now()
}

// owed is for how long it has been the client's turn.
func (t *turn) owed() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ours > 0 {
		return 0
	}
	return time.Since(t.since)
}

// watch ends the session once the client has owed something for as long as the limit says,
// until stop is called or ctx ends.
func (t *turn) watch(ctx context.Context, end context.CancelCauseFunc) (stop func()) {
	limit := t.limit
	t.heard()
	if limit <= 0 {
		return func() {}
	}
	over := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		late := time.NewTimer(limit)
		defer late.Stop()
		for {
			select {
			case <-over:
				return
			case <-ctx.Done():
				return
			case <-late.C:
			}
			owed := t.owed()
			if owed >= limit {
				end(stalled(limit))
				return
			}
			late.Reset(limit - owed)
		}
	})
	return func() {
		close(over)
		watching.Wait()
	}
}

// stalled is the fault of a client that keeps a copy from going on.
func stalled(limit time.Duration) error {
	return fault.New(fault.Timeout, "copying", fmt.Errorf("for %v the client, whose turn it was, has brought neither a byte nor a word", limit),
		"see what it waits for: a disk of its host, or whoever has the other end of its pipe; stall-timeout in the daemon's configuration says how long that may be")
}

// driver is d, whose work is this end's.
func (t *turn) driver(d transport.Driver) transport.Driver { return &driverAtWork{d, t} }

type driverAtWork struct {
	transport.Driver
	turn *turn
}

// Pull is the driver's.
func (d *driverAtWork) Pull(ctx context.Context, t transport.Ticket, dst io.WriterAt, ext transport.Extent) (transport.Digest, error) {
	defer d.turn.busy()()
	return d.Driver.Pull(ctx, t, dst, ext)
}

// Push is the driver's.
func (d *driverAtWork) Push(ctx context.Context, src io.ReaderAt, ext transport.Extent, t transport.Ticket) (transport.Digest, error) {
	defer d.turn.busy()()
	return d.Driver.Push(ctx, src, ext, t)
}

// sink is s, whose work is this end's.
func (t *turn) sink(s tree.Sink) tree.Sink { return &sinkAtWork{s, t} }

type sinkAtWork struct {
	tree.Sink
	turn *turn
}

// Add is the sink's.
func (s *sinkAtWork) Add(ctx context.Context, e tree.Entry) tree.Verdict {
	defer s.turn.busy()()
	return s.Sink.Add(ctx, e)
}

// Open is the sink's.
func (s *sinkAtWork) Open(e tree.Entry, v tree.Verdict) (tree.Landing, error) {
	defer s.turn.busy()()
	return s.Sink.Open(e, v)
}

// Commit is the sink's.
func (s *sinkAtWork) Commit(ctx context.Context, ls []tree.Landing) []error {
	defer s.turn.busy()()
	return s.Sink.Commit(ctx, ls)
}

// Finish is the sink's.
func (s *sinkAtWork) Finish(ctx context.Context, clean bool, n tree.Notes) error {
	defer s.turn.busy()()
	return s.Sink.Finish(ctx, clean, n)
}

// source is s, whose work is this end's.
func (t *turn) source(s tree.Source) tree.Source { return &sourceAtWork{s, t} }

type sourceAtWork struct {
	tree.Source
	turn *turn
}

// Walk is the source's. An entry waits for the client, who has had enough of them.
func (s *sourceAtWork) Walk(ctx context.Context, yield func(tree.Entry) error, problem func(tree.Problem)) error {
	done := s.turn.busy()
	defer func() { done() }()
	return s.Source.Walk(ctx, func(e tree.Entry) error {
		done()
		defer func() { done = s.turn.busy() }()
		return yield(e)
	}, problem)
}

// Open is the source's.
func (s *sourceAtWork) Open(e tree.Entry) (tree.SourceFile, error) {
	defer s.turn.busy()()
	return s.Source.Open(e)
}

// Remove is the source's.
func (s *sourceAtWork) Remove(e tree.Entry) error {
	defer s.turn.busy()()
	return s.Source.Remove(e)
}
