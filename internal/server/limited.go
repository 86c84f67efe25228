package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// limited is a driver that moves no more than a client may have, nor faster. It waits
// ahead of a chunk, of which nothing is under way then.
type limited struct {
	transport.Driver
	pace   *rate.Limiter // nil: as fast as it goes
	most   int64         // bytes; 0: as many as there are
	moved  atomic.Int64
	waited *atomic.Int64 // nanoseconds, over all chunks
}

// limited puts the client's limits around the driver for one copy.
func (ss *session) limited(d transport.Driver, l Limit) (transport.Driver, func()) {
	pace, leave := ss.server.paces.join(ss.who, l.Rate, ss.server.config.ChunkSize)
	if pace == nil && l.Bytes == 0 {
		return d, leave
	}
	return &limited{Driver: d, pace: pace, most: l.Bytes, waited: &ss.waited}, leave
}

// Pull is the driver's, within the limits.
func (d *limited) Pull(ctx context.Context, t transport.Ticket, dst io.WriterAt, ext transport.Extent) (transport.Digest, error) {
	if err := d.admit(ctx, ext.Len); err != nil {
		return transport.Digest{}, err
	}
	return d.Driver.Pull(ctx, t, dst, ext)
}

// Push is the driver's, within the limits.
func (d *limited) Push(ctx context.Context, src io.ReaderAt, ext transport.Extent, t transport.Ticket) (transport.Digest, error) {
	if err := d.admit(ctx, ext.Len); err != nil {
		return transport.Digest{}, err
	}
	return d.Driver.Push(ctx, src, ext, t)
}

// admit waits until n bytes may be moved.
func (d *limited) admit(ctx context.Context, n int) error {
	if moved := d.moved.Add(int64(n)); d.most > 0 && moved > d.most {
		return fault.New(fault.Denied, "copying", fmt.Errorf("the daemon lets this client move %s in one copy", console.Bytes(d.most)),
			"copy less at once, or have max_bytes raised in the daemon's configuration")
	}
	if d.pace == nil {
		return nil
	}
	begun := time.Now()
	defer func() { d.waited.Add(int64(time.Since(begun))) }()
	for n > 0 {
		part := min(n, d.pace.Burst())
		if err := d.pace.WaitN(ctx, part); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fault.New(fault.Internal, "waiting for the limit of the rate", errors.Unwrap(err), "")
		}
		n -= part
	}
	return nil
}

// stats are the driver's, with what was waited for limits.
func (ss *session) stats() transport.Stats {
	s := ss.driver.Stats()
	s.Limit = time.Duration(ss.waited.Load())
	return s
}
