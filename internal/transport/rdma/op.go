package rdma

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rdmacp/rdmacp/internal/failpoint"
	"github.com/rdmacp/rdmacp/internal/mr"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// op is what a slot has for its work, made once: the hot path allocates nothing. The
// poller and the caller race for the end of a driver's work in flight: whoever comes second
// releases the slot if the caller gave up.
type op struct {
	lease  mr.Lease
	use    use        // of the page cache, that the work reads or writes to
	done   chan error // capacity 1
	state  atomic.Int32
	wrs    []verbs.SendWR // of the work
	stall  *time.Timer    // of the work's caller
	placer placer
}

// The states of an op.
const (
	opIdle      = iota // no work in flight
	opPosted           // the caller waits
	opAbandoned        // the caller gave up, the work goes on
)

func (o *op) init(c *conn) {
	o.done = make(chan error, 1)
	o.stall = time.NewTimer(0)
	o.stall.Stop()
	o.placer.init(c)
}

// begin takes the slot into flight.
func (o *op) begin(l mr.Lease, u use) {
	o.lease, o.use = l, u
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
func (c *conn) transfer(ctx context.Context, o *op, l mr.Lease, u use) error {
	begun := time.Now()
	defer c.spent(transport.OnWire, begun, &c.counters.wire)
	o.begin(l, u)
	c.work.Add(1)
	if err := c.post(o.wrs); err != nil {
		c.fail(lost(err))
		return c.err()
	}
	_ = failpoint.At("post")
	o.stall.Reset(stallLimit)
	for {
		select {
		case err := <-o.done:
			o.stall.Stop()
			_ = failpoint.At("completion")
			if err != nil {
				return c.err()
			}
			return nil
		case <-c.broken:
			o.stall.Stop()
			return c.err()
		case <-ctx.Done():
			o.stall.Stop() // first: once it is abandoned, the slot may be somebody else's
			if o.abandon() {
				return context.Cause(ctx)
			}
		case <-o.stall.C:
			idle := time.Since(c.start) - time.Duration(c.progress.Load())
			if idle >= stallLimit && time.Since(begun) >= stallLimit {
				c.fail(lost(fmt.Errorf("no work request completed for %v", stallLimit)))
			}
			o.stall.Reset(max(stallLimit-idle, time.Second))
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
