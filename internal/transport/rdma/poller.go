package rdma

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/numa"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// recvBit tells receives from sends in the id of a work request. The lower bits
// hold the queue pair of a receive, and the slot of a send.
const recvBit = 1 << 63

// poll reaps completions until ctx ends. It goes on after the connection broke,
// to reap what is flushed. Whatever ends it earlier breaks the connection: nobody gets a
// slot back whose completion nobody reaped, and Close frees the memory only once the queue
// pairs are gone.
func (c *conn) poll(ctx context.Context) {
	defer close(c.polled)
	numa.Stay(c.node)
	c.pulse = c.vctx.fabric.pulses.join()
	defer c.pulse.leave()
	if err := c.reapAll(ctx); err != nil {
		c.fail(lost(fmt.Errorf("polling completions: %w", err)))
	}
}

func (c *conn) reapAll(ctx context.Context) (err error) {
	defer fault.Caught(&err, "moving data")
	wcs := make([]verbs.WC, pollBatch)
	for ctx.Err() == nil {
		c.pulse.beat()
		n, err := c.reap(wcs)
		if err == nil && n == 0 {
			err = c.sleep(ctx, wcs)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sleep waits for the next completion. A completion that came before the queue
// was armed raises no event, so it polls once more in between.
func (c *conn) sleep(ctx context.Context, wcs []verbs.WC) error {
	if err := c.cq.ReqNotify(false); err != nil {
		return err
	}
	if n, err := c.reap(wcs); n > 0 || err != nil {
		return err
	}
	c.counters.wakeups.Add(1)
	c.pulse.rest()
	if _, err := c.channel.Wait(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// reap handles what the completion queue holds, one batch of it.
func (c *conn) reap(wcs []verbs.WC) (int, error) {
	n, err := c.cq.Poll(wcs)
	if err != nil || n == 0 {
		return 0, err
	}
	c.progress.Store(int64(time.Since(c.start)))
	c.counters.completions.Add(uint64(n))
	for _, wc := range wcs[:n] {
		c.handle(wc)
	}
	return n, nil
}

// handle gives a completion to whoever waits for it. The first that failed is
// the cause of a broken connection; what follows was flushed.
func (c *conn) handle(wc verbs.WC) {
	err := wc.Err()
	if err != nil && c.fail(c.explain(err)) {
		c.tally.failed(wc.Status)
	}
	if wc.ID&recvBit != 0 {
		c.work.Add(-1)
		if err == nil {
			c.onRecv(wc)
		}
		return
	}
	o := &c.ops[wc.ID]
	found := o.finish(err)
	if found != opIdle {
		c.work.Add(-1)
	}
	if found == opAbandoned && err == nil {
		c.hide(o.use)
		c.release(o.lease)
	}
}

// explain says in a user's words what a failed completion means.
func (c *conn) explain(err error) error {
	if errors.Is(err, verbs.ErrRetryExceeded) && c.counters.bytes.Load() == 0 {
		return lost(fault.New(fault.Path,
			fmt.Sprintf("reaching the peer's %s (GID %s) from %s (GID %s)", c.peer.Device, c.peer.GID.Unmap(), c.endpoint.Device, c.endpoint.GID.Unmap()),
			errors.New("RDMA packets get no answer, while the control connection works"),
			"open UDP port 4791 (RoCEv2) both ways in every firewall between the hosts, and compare their MTUs and those of the switches: rdmacp devices"))
	}
	if errors.Is(err, verbs.ErrFlushed) {
		// On some kernels a queue pair that fails says no more than this.
		err = fmt.Errorf("the queue pair failed: the peer closed it, or a device, its MTU or its link changed: %w", err)
	}
	return lost(err)
}
