package server_test

import (
	"context"
	"io"
	"sync/atomic"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
)

// watched is a fabric that counts the pulls that were dropped half-way.
type watched struct {
	*memory.Fabric
	begun, dropped atomic.Int64
}

func (w *watched) PrepareDriver(ctx context.Context, s transport.Setup) (transport.Pending[transport.Driver], error) {
	p, err := w.Fabric.PrepareDriver(ctx, s)
	return watchedPending{p, w}, err
}

type watchedPending struct {
	transport.Pending[transport.Driver]
	w *watched
}

func (p watchedPending) Connect(ctx context.Context, peer transport.Endpoint) (transport.Driver, error) {
	d, err := p.Pending.Connect(ctx, peer)
	if err != nil {
		return nil, err
	}
	return watchedDriver{d, p.w}, nil
}

type watchedDriver struct {
	transport.Driver
	w *watched
}

func (d watchedDriver) Pull(ctx context.Context, t transport.Ticket, dst io.WriterAt, ext transport.Extent) (transport.Digest, error) {
	d.w.begun.Add(1)
	digest, err := d.Driver.Pull(ctx, t, dst, ext)
	if err != nil {
		d.w.dropped.Add(1)
	}
	return digest, err
}

// When the daemon says that it is done with a transfer that was aborted, no
// chunk is in flight any more: those that were have ended by themselves.
func TestAbortDropsNothing(t *testing.T) {
	t.Parallel()
	w := &watched{}
	d := start(t, slow, func(c *server.Config) {
		f, ok := c.Fabric.(*memory.Fabric)
		if !ok {
			t.Fatal("not the memory fabric")
		}
		w.Fabric = f
		c.Fabric = w
	})
	s := d.dial(t, transport.Put)
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := put(ctx, t, s, noise(40*chunk), to("x"), func(int64) { cancel() })
		failsWith(t, err, fault.Interrupted)
	}
	if w.begun.Load() == 0 || w.dropped.Load() > 0 {
		t.Errorf("%d of %d pulls were dropped", w.dropped.Load(), w.begun.Load())
	}
}
