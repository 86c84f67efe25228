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

// Replace is told of a rail that the lender puts in the place of one that was lost. After
// an error the rail is still the caller's.
func (d driver) Replace(lost int, by transport.Driver) error {
	_, err := d.replace(lost, by)
	return err
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
	rail := d.at(i)
	if rail == nil {
		return transport.Digest{}, fmt.Errorf("%w: the peer lends on rail %d, which there is not", transport.ErrLost, i)
	}
	digest, err := move(rail)
	err = d.blame(i, err)
	if errors.Is(err, transport.ErrRail) {
		_ = rail.Close() // so that nothing late of it lands where the extent goes next
	}
	return digest, err
}
