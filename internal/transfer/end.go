package transfer

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// pause comes ahead of taking as much as there is. The simulation waits there, in
// each place for another time, until all that happens at the same instant has
// happened, so that a seed gives the same batches again.
var pause = func(time.Duration) {}

// end is what all four ends have in common.
type end struct {
	link    Link
	out     *outbox
	options Options
	tally   tally
	fatal   chan error    // the first problem, where one ends the transfer
	stop    chan struct{} // closed when the transfer ends, in whatever way
	over    func()        // says that all is done
}

func newEnd(link Link, o Options) *end {
	return &end{
		link: link, out: newOutbox(), options: o, tally: tally{events: o.Events},
		fatal: make(chan error, 1), stop: make(chan struct{}),
	}
}

// problem counts and tells of something that could not be copied.
func (e *end) problem(p tree.Problem) {
	e.tally.count(func(r *Report) { r.Problems++ })
	if e.options.Events.Problem != nil {
		e.options.Events.Problem(p)
	}
	if e.options.FailFast {
		select {
		case e.fatal <- p.Fault:
		default:
		}
	}
}

// told passes on what the other end could not copy, or has deleted.
func (e *end) told(b Batch) {
	for _, p := range b.Problems {
		e.problem(p)
	}
	if e.options.Events.Removed != nil {
		for _, path := range b.Removed {
			e.options.Events.Removed(path)
		}
	}
}

// hearing heeds what the other end says. A driver's good end is told by done.
type hearing func(ctx context.Context, b Batch, done bool) error

// run runs an end: it talks to the other, and does what work there is. A lender
// calls over when all is done, a driver hears of it.
func (e *end) run(ctx context.Context, hear hearing, work ...func(ctx context.Context) error) error {
	g, ctx := errgroup.WithContext(ctx)
	stop := sync.OnceFunc(func() { close(e.stop) })
	defer context.AfterFunc(ctx, stop)()
	listening, hangUp := context.WithCancel(ctx)
	defer hangUp()
	done := make(chan struct{})
	e.over = sync.OnceFunc(func() {
		close(done)
		e.out.close()
		hangUp()
	})
	g.Go(caught(func() error { return e.out.run(ctx, e.link) }))
	g.Go(caught(func() error { return e.listen(listening, done, hear) }))
	g.Go(caught(func() error { return e.watch(ctx, done) }))
	for _, f := range work {
		g.Go(caught(func() error { return f(ctx) }))
	}
	err := g.Wait()
	stop()
	return err
}

// caught is f for a goroutine: a panic in it ends the transfer, after the other
// goroutines, and nothing else of the process. An errgroup would let it through.
func caught(f func() error) func() error {
	return func() (err error) {
		defer fault.Caught(&err, "moving data")
		return f()
	}
}

// listen hears what the other end says.
func (e *end) listen(ctx context.Context, done <-chan struct{}, hear hearing) error {
	for {
		b, err := e.link.Recv(ctx)
		if isClosed(done) && errors.Is(err, context.Canceled) && !isFault(err) {
			return nil // it was listening for nothing any more
		}
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return linkFailed(err)
		}
		if err := hear(ctx, b, last); err != nil {
			if isClosed(done) { // it was waiting for room that is needed no more
				return nil
			}
			return err
		}
		if last {
			e.over()
			return nil
		}
	}
}

// watch ends the transfer at the first problem, if that is wanted.
func (e *end) watch(ctx context.Context, done <-chan struct{}) error {
	select {
	case err := <-e.fatal:
		return err
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func isFault(err error) bool {
	_, ok := fault.As(err)
	return ok
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
