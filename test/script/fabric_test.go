package script

import (
	"context"
	"errors"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// none is the fabric of a host without RDMA.
type none struct{}

var errNone = fault.New(fault.NoDevice, "looking for RDMA devices", errors.New("there is none"), "get one")

func (none) PrepareLender(context.Context, transport.Setup) (transport.Pending[transport.Lender], error) {
	return nil, errNone
}

func (none) PrepareDriver(context.Context, transport.Setup) (transport.Pending[transport.Driver], error) {
	return nil, errNone
}

// apart is a fabric whose hosts do not reach one another.
type apart struct{ transport.Fabric }

// PrepareLender makes an end that cannot be connected.
func (a apart) PrepareLender(ctx context.Context, s transport.Setup) (transport.Pending[transport.Lender], error) {
	p, err := a.Fabric.PrepareLender(ctx, s)
	return unreached{p}, err
}

type unreached struct {
	transport.Pending[transport.Lender]
}

// Connect fails as it does where packets do not arrive.
func (u unreached) Connect(_ context.Context, peer transport.Endpoint) (transport.Lender, error) {
	_ = u.Close() // nothing is connected
	return nil, fault.New(fault.Path, "connecting "+u.Endpoint().Device+" to the peer's "+peer.Device, errors.New("no answer"), "")
}
