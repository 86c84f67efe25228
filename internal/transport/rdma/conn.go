package rdma

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rdmacp/rdmacp/internal/mr"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// conn is what the two ends of a connection have in common: slots, queue pairs,
// and the goroutine that polls their completions.
type conn struct {
	*end
	peer transport.Endpoint

	free   chan struct{} // one token for each slot that is free
	ops    []op          // by slot
	posts  []sync.Mutex  // by queue pair; serialises posting
	nextQP atomic.Uint32

	// users is held shared by every call that touches a slot, and exclusively
	// by Close, which frees the slots.
	users  sync.RWMutex
	closed bool // guarded by users

	broken   chan struct{} // closed once cause is set
	breakMu  sync.Mutex    // guards cause and the closing of broken
	cause    error
	work     atomic.Int64 // completions still to come
	progress atomic.Int64 // when the last completion came, as time since start
	start    time.Time

	onRecv func(verbs.WC) // what a completed receive means; set before polling starts
	stop   context.CancelFunc
	polled chan struct{} // closed when the poller has ended
	pulse  *pulse        // the poller's
}

// newConn takes an end over and starts its poller.
func newConn(e *end, peer transport.Endpoint, onRecv func(verbs.WC)) *conn {
	c := &conn{
		end: e, peer: peer,
		free:   make(chan struct{}, e.setup.Slots),
		ops:    make([]op, e.setup.Slots),
		posts:  make([]sync.Mutex, len(e.qps)),
		broken: make(chan struct{}),
		start:  time.Now(),
		onRecv: onRecv,
		polled: make(chan struct{}),
	}
	for range e.setup.Slots {
		c.free <- struct{}{}
	}
	for i := range c.ops {
		c.ops[i].init(c)
	}
	return c
}

// removed ends the connection, since its device goes: until all is freed that it has there,
// the kernel keeps who removes it waiting, or has freed it already and says nothing of work
// that is in flight.
func (c *conn) removed() {
	c.fail(lost(fmt.Errorf("the RDMA device %s is removed from its host", c.endpoint.Device)))
	if err := c.Close(); err != nil {
		c.log.Info("closing a connection over a device that is removed", slog.Any("error", err))
	}
}

// run starts the poller.
func (c *conn) run() {
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	go c.poll(ctx)
}

// acquire waits for a slot.
func (c *conn) acquire(ctx context.Context) (none mr.Lease, err error) {
	select {
	case <-c.broken:
		return none, c.err()
	default:
	}
	select {
	case <-c.free:
	case <-c.broken:
		return none, c.err()
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
	lease, err := c.pool.Acquire(ctx)
	if err != nil {
		c.free <- struct{}{}
	}
	return lease, err
}

// release gives a slot back.
func (c *conn) release(l mr.Lease) {
	l.Release()
	c.free <- struct{}{}
}

// use lets the caller touch slots until it calls done; Close waits for that.
func (c *conn) use() error {
	c.users.RLock()
	if c.closed {
		c.users.RUnlock()
		return c.err() // ErrClosed, or what it was closed for
	}
	return nil
}

// done ends a use.
func (c *conn) done() { c.users.RUnlock() }

// take waits for a slot that the caller may touch until it calls done.
func (c *conn) take(ctx context.Context) (lease mr.Lease, err error) {
	if err = c.use(); err != nil {
		return lease, err
	}
	if lease, err = c.acquire(ctx); err != nil {
		c.done()
	}
	return lease, err
}

// check refuses extents that don't fit a slot.
func (c *conn) check(ext transport.Extent) error {
	if ext.Len <= 0 || ext.Len > c.setup.ChunkSize || ext.Off < 0 {
		return fmt.Errorf("rdma: extent of %d bytes at %d: a slot holds 1 to %d", ext.Len, ext.Off, c.setup.ChunkSize)
	}
	return nil
}

// fail breaks the connection; the first cause stays. It reports whether that is this one.
func (c *conn) fail(cause error) bool {
	c.breakMu.Lock()
	defer c.breakMu.Unlock()
	if c.cause != nil {
		return false
	}
	c.cause = cause
	close(c.broken)
	return true
}

// err is why the connection broke.
func (c *conn) err() error {
	c.breakMu.Lock()
	defer c.breakMu.Unlock()
	return c.cause
}

// lost wraps a cause that this end did not choose.
func lost(err error) error { return fmt.Errorf("%w: %w", transport.ErrLost, err) }

// Stats returns what this end did so far.
func (c *conn) Stats() transport.Stats {
	s := c.counters.snapshot()
	s.WhyCopied = c.pages.refusal()
	if why := c.counters.why.Load(); why != nil && s.WhyCopied == "" {
		s.WhyCopied = *why
	}
	return s
}

// Close ends the connection: queue pairs to ERR, so that nothing can reach the
// slots any more, then flushed work is reaped, then all is freed.
func (c *conn) Close() error {
	c.fail(transport.ErrClosed)
	c.users.Lock()
	defer c.users.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	c.vctx.drop(c)
	var errs []error
	for _, qp := range c.qps {
		errs = append(errs, qp.ToError())
	}
	c.drain()
	c.stop()
	<-c.polled
	return errors.Join(append(errs, c.destroy())...)
}

// destroy frees the verbs objects. If the kernel takes its time, they are freed
// in the background, memory last as ever.
func (c *conn) destroy() error {
	done := make(chan error, 1)
	go func() { done <- c.close() }()
	select {
	case err := <-done:
		return err
	case <-time.After(destroyLimit):
		c.log.Warn("the kernel takes long to destroy queue pairs", slog.String("device", c.endpoint.Device))
		return nil
	}
}

// drain waits until all posted work has completed or was flushed.
func (c *conn) drain() {
	deadline := time.NewTimer(drainLimit)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for c.work.Load() > 0 {
		select {
		case <-tick.C:
		case <-c.polled:
			return
		case <-deadline.C:
			c.log.Warn("work was not flushed", slog.Int64("completions", c.work.Load()))
			return
		}
	}
}
