package transport

import (
	"context"
	"errors"
	"log/slog"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// Kind is how the bytes of a connection travel.
type Kind int

// The kinds, numbered as in rdmacp.v1.Transport.
const (
	RDMA Kind = 1
	TCP  Kind = 2
)

// String returns "rdma" or "tcp".
func (k Kind) String() string {
	if k == TCP {
		return "tcp"
	}
	return "rdma"
}

// Token is what a TCP connection proves its right by. It is a capability: it prints as
// nothing.
type Token [16]byte

// String keeps the token out of messages.
func (Token) String() string { return "(token)" }

// LogValue keeps the token out of logs.
func (Token) LogValue() slog.Value { return slog.StringValue("(token)") }

// Fabrics is a fabric that makes connections of several kinds, as Setup.Kind says. What
// is nil is not offered.
type Fabrics struct {
	RDMA, TCP Fabric
}

// PrepareLender is that of the fabric of the kind.
func (f Fabrics) PrepareLender(ctx context.Context, s Setup) (Pending[Lender], error) {
	of, err := f.of(s.Kind)
	if err != nil {
		return nil, err
	}
	return of.PrepareLender(ctx, s)
}

// PrepareDriver is that of the fabric of the kind.
func (f Fabrics) PrepareDriver(ctx context.Context, s Setup) (Pending[Driver], error) {
	of, err := f.of(s.Kind)
	if err != nil {
		return nil, err
	}
	return of.PrepareDriver(ctx, s)
}

// Further is that of the RDMA fabric, if it has one: TCP needs no rails.
func (f Fabrics) Further(ctx context.Context, s Setup) []Setup {
	several, ok := f.RDMA.(interface {
		Further(ctx context.Context, s Setup) []Setup
	})
	if s.Kind == TCP || !ok {
		return nil
	}
	return several.Further(ctx, s)
}

// ErrTCPOff is why there is no TCP where an end does without. The other end knows it by its text.
var ErrTCPOff = errors.New("TCP is turned off here")

// of is the fabric of a kind. One that is not offered is a fault like that of a host
// that has no device for it.
func (f Fabrics) of(k Kind) (Fabric, error) {
	const what = "choosing the transport"
	switch {
	case k == TCP && f.TCP != nil:
		return f.TCP, nil
	case k == TCP:
		return nil, fault.New(fault.Path, what, ErrTCPOff,
			"leave --transport at auto, or start rdmad with --transport auto")
	case f.RDMA != nil:
		return f.RDMA, nil
	}
	return nil, fault.New(fault.NoDevice, what, errors.New("RDMA is turned off here"),
		"give --transport tcp, or start rdmad with --transport auto")
}
