package rdma

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rdmacp/rdmacp/internal/mr"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// op is the work in flight on a driver's slot. The poller and the caller race
// for its end: whoever comes second releases the slot if the caller gave up.
type op struct {
	lease  *mr.Lease
	window *window    // of the page cache, that the work reads; may be nil
	done   chan error // capacity 1
	state  atomic.Int32
}

// The states of an op.
const (
	opIdle      = iota // no work in flight
	opPosted           // the caller waits
	opAbandoned        // the caller gave up, the work goes on
)

// begin takes the slot into flight.
func (o *op) begin(l *mr.Lease, w *window) {
	o.lease, o.window = l, w
	o.state.Store(opPosted)
}

// finish ends the work in flight, if there still is any (of a chunk's work
// requests several may fail), and hands the result to the caller, if it still
// waits. It returns the state that it found.
func (o *op) finish(err error) int32 {
	found := o.state.Swap(opIdle)
	if found == opPosted {
		o.done <- err
	}
	return found
}

// abandon leaves the work to the poller. It reports whether it still was in
// flight; otherwise its result is there, or about to be.
func (o *op) abandon() bool { return o.state.CompareAndSwap(opPosted, opAbandoned) }

// transfer posts the work requests of one chunk, of which the last alone is
// signalled, and waits until they are done. After an error the slot is not the
// caller's any more, and neither is the window: the poller or Close releases them.
func (c *conn) transfer(ctx context.Context, l *mr.Lease, w *window, wrs []verbs.SendWR) error {
	begun := time.Now()
	defer func() { c.counters.wire.Add(int64(time.Since(begun))) }()
	o := &c.ops[l.Slot()]
	o.begin(l, w)
	c.work.Add(1)
	if err := c.post(wrs); err != nil {
		c.fail(lost(err))
		return c.err()
	}
	stall := time.NewTimer(stallLimit)
	defer stall.Stop()
	for {
		select {
		case err := <-o.done:
			if err != nil {
				return c.err()
			}
			return nil
		case <-c.broken:
			return c.err()
		case <-ctx.Done():
			if o.abandon() {
				return context.Cause(ctx)
			}
		case <-stall.C:
			idle := time.Since(c.start) - time.Duration(c.progress.Load())
			if idle >= stallLimit && time.Since(begun) >= stallLimit {
				c.fail(lost(fmt.Errorf("no work request completed for %v", stallLimit)))
			}
			stall.Reset(max(stallLimit-idle, time.Second))
		}
	}
}

// post gives the work requests to the next queue pair in turn.
func (c *conn) post(wrs []verbs.SendWR) error {
	i := int(c.nextQP.Add(1)-1) % len(c.qps)
	c.posts[i].Lock()
	defer c.posts[i].Unlock()
	n, err := c.qps[i].PostSend(wrs)
	c.counters.workReqs.Add(uint64(n))
	if err != nil {
		return fmt.Errorf("posting %d work requests on queue pair %d: %w", len(wrs), c.qps[i].QPN(), err)
	}
	return nil
}
