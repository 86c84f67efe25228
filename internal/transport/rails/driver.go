package rails

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// driver is the active end.
type driver struct{ *bundle[transport.Driver] }

func newDriver(ends []transport.Driver, p *pending[transport.Driver]) transport.Driver {
	return driver{newBundle(ends, p.dropped)}
}

// Pull pulls over the rail that the ticket names.
func (d driver) Pull(ctx context.Context, t transport.Ticket, dst io.WriterAt, ext transport.Extent) (transport.Digest, error) {
	return d.over(t, func(rail transport.Driver) (transport.Digest, error) { return rail.Pull(ctx, t, dst, ext) })
}

// Push pushes over the rail that the ticket names.
func (d driver) Push(ctx context.Context, src io.ReaderAt, ext transport.Extent, t transport.Ticket) (transport.Digest, error) {
	return d.over(t, func(rail transport.Driver) (transport.Digest, error) { return rail.Push(ctx, src, ext, t) })
}

func (d driver) over(t transport.Ticket, move func(transport.Driver) (transport.Digest, error)) (transport.Digest, error) {
	i := int(t.Rail)
	if i >= len(d.rails) || d.rails[i] == nil {
		return transport.Digest{}, fmt.Errorf("%w: the peer lends on rail %d, which there is not", transport.ErrLost, i)
	}
	digest, err := move(d.rails[i])
	err = d.blame(i, err)
	if errors.Is(err, transport.ErrRail) {
		_ = d.rails[i].Close() // so that nothing late of it lands where the extent goes next
	}
	return digest, err
}
