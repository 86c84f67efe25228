package server

import (
	"context"
	"errors"
	"log/slog"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/rails"
)

// rails are this end's rails, one for each of the client's: the one that leads there.
func (ss *session) rails(ctx context.Context) []rails.Rail {
	c, hello := ss.server.config, ss.hello
	ends := append([]transport.Endpoint{hello.Endpoint}, hello.Endpoint.More...)
	rs := make([]rails.Rail, 0, len(ends))
	for i, e := range ends {
		r := rails.Rail{Fabric: c.Fabric, Setup: transport.Setup{
			Kind: e.Kind, Device: c.Device, Direction: hello.Direction, ChunkSize: ss.chunk, Slots: rails.Share(ss.slots, len(ends)), QPs: e.Width(),
			Unverified: hello.Unverified, ZeroCopy: hello.ZeroCopy, TLS: encrypted(ctx),
		}}
		if e.LinkLayer == transport.Ethernet {
			r.Setup.Peer = e.GID.Unmap()
		}
		switch {
		case i == 0:
			r.Setup.Local = localAddr(ctx)
		case c.Device != "" || e.LinkLayer != transport.Ethernet || len(e.QPs) == 0:
			r.Fabric = none{}
		}
		rs = append(rs, r)
	}
	return rs
}

// dropped tells of a rail that is not used, or no longer.
func (ss *session) dropped(i int, why error) {
	ss.server.books.lostRail(ss)
	ss.log.Info("a rail is left out", slog.Int("rail", i), slog.Any("reason", why))
}

// none is the fabric of a rail that is not to be used.
type none struct{}

var errNoRail = errors.New("rdmad was told to use one device, or the client has no end of it")

// PrepareLender implements transport.Fabric.
func (none) PrepareLender(context.Context, transport.Setup) (transport.Pending[transport.Lender], error) {
	return nil, errNoRail
}

// PrepareDriver implements transport.Fabric.
func (none) PrepareDriver(context.Context, transport.Setup) (transport.Pending[transport.Driver], error) {
	return nil, errNoRail
}
