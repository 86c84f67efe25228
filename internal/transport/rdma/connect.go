package rdma

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// pending is an end that waits for the peer's endpoint.
type pending[T any] struct {
	end   *end
	start func(*end, transport.Endpoint) (T, error) // takes the end over, and closes it when it fails
	spent atomic.Bool
}

// Endpoint is what the peer has to know.
func (p *pending[T]) Endpoint() transport.Endpoint { return p.end.endpoint }

// Connect moves the queue pairs to RTR and RTS. Reaching RTR resolves the
// peer's link address in the kernel, which may take a second for each.
func (p *pending[T]) Connect(ctx context.Context, peer transport.Endpoint) (none T, err error) {
	if p.spent.Swap(true) {
		return none, transport.ErrClosed
	}
	if err := p.end.connect(ctx, peer); err != nil {
		return none, errors.Join(err, p.end.close())
	}
	return p.start(p.end, peer)
}

// Close gives the pending end up.
func (p *pending[T]) Close() error {
	if p.spent.Swap(true) {
		return nil
	}
	return p.end.close()
}

// connect connects every queue pair to its counterpart.
func (e *end) connect(ctx context.Context, peer transport.Endpoint) error {
	if err := e.match(peer); err != nil {
		return err
	}
	mtu, ok := verbs.MTUFromBytes(min(e.endpoint.MTU, peer.MTU))
	if !ok {
		return fault.New(fault.Path, "connecting to the peer's "+peer.Device, fmt.Errorf("a path MTU of %d bytes", peer.MTU), "raise the MTU of its network device")
	}
	e.setup.ChunkSize = min(e.setup.ChunkSize, int(min(peer.MaxMessage, 1<<30)))
	for i, qp := range e.qps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := qp.ToRTR(e.rtr(mtu, peer, i)); err != nil {
			return e.unreachable(peer, err)
		}
		err := qp.ToRTS(verbs.RTSAttr{
			SQPSN:       e.endpoint.QPs[i].PSN,
			Timeout:     ackTimeout,
			RetryCnt:    retryCount,
			RNRRetry:    rnrRetry,
			MaxRdAtomic: min(e.endpoint.MaxRead, peer.MaxRead),
		})
		if err != nil {
			return e.unreachable(peer, err)
		}
	}
	return nil
}

// rtr are the attributes that point queue pair i at its counterpart.
func (e *end) rtr(mtu verbs.MTU, peer transport.Endpoint, i int) verbs.RTRAttr {
	return verbs.RTRAttr{
		PathMTU:         mtu,
		DestQPN:         peer.QPs[i].Number,
		RQPSN:           peer.QPs[i].PSN,
		MaxDestRdAtomic: e.endpoint.MaxRead,
		MinRNRTimer:     minRNRTimer,
		Port:            e.choice.Rail.Port,
		SGIDIndex:       e.choice.GID.Index,
		DGID:            verbs.GID(peer.GID.As16()),
		DLID:            peer.LID,
		IsGlobal:        e.endpoint.LinkLayer == transport.Ethernet,
		HopLimit:        64,
	}
}

// match says whether the two ends can be connected at all.
func (e *end) match(peer transport.Endpoint) error {
	local := e.endpoint
	var why string
	switch {
	case local.LinkLayer != peer.LinkLayer:
		why = "one end is InfiniBand, the other Ethernet"
	case len(peer.QPs) != len(local.QPs):
		why = fmt.Sprintf("this end has %d queue pairs, the peer %d", len(local.QPs), len(peer.QPs))
	case local.LinkLayer == transport.Ethernet && local.GID.Is4In6() != peer.GID.Is4In6():
		why = fmt.Sprintf("the GIDs are of different families: %s here, %s there", local.GID.Unmap(), peer.GID.Unmap())
	default:
		return nil
	}
	return fault.New(fault.Path, fmt.Sprintf("connecting %s to the peer's %s", local.Device, peer.Device), errors.New(why),
		"name a device that shares a network with the peer's: --device; rdmacp devices lists them")
}

// unreachable explains why a queue pair could not be connected.
func (e *end) unreachable(peer transport.Endpoint, err error) error {
	fix := "compare MTU, GIDs and port state of both ends: rdmacp devices"
	if errors.Is(err, syscall.ETIMEDOUT) || errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH) {
		fix = fmt.Sprintf("see that %s answers on %s: ping -I %s %s", peer.GID.Unmap(), e.choice.Rail.NetDev, e.choice.Rail.NetDev, peer.GID.Unmap())
	}
	return fault.New(fault.Path, fmt.Sprintf("connecting %s (GID %s) to the peer's %s (GID %s)",
		e.endpoint.Device, e.endpoint.GID.Unmap(), peer.Device, peer.GID.Unmap()), err, fix)
}
