package server

import (
	"context"
	"io"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// steady is a driver that lets no chunk drop that it has begun: where a transfer
// fails, what is in flight ends first. So when the client hears of the failure,
// nothing touches its loans any more, and it may lend them again. The end of the
// session cuts everything off.
type steady struct {
	transport.Driver
	session context.Context //nolint:containedctx // the point of it: not the context of each call
}

// Pull is the driver's, under the session's context.
func (d steady) Pull(ctx context.Context, t transport.Ticket, dst io.WriterAt, ext transport.Extent) (transport.Digest, error) {
	if ctx.Err() != nil {
		return transport.Digest{}, context.Cause(ctx)
	}
	return d.Driver.Pull(d.session, t, dst, ext) //nolint:contextcheck // see steady
}

// Push is the driver's, under the session's context.
func (d steady) Push(ctx context.Context, src io.ReaderAt, ext transport.Extent, t transport.Ticket) (transport.Digest, error) {
	if ctx.Err() != nil {
		return transport.Digest{}, context.Cause(ctx)
	}
	return d.Driver.Push(d.session, src, ext, t) //nolint:contextcheck // see steady
}
