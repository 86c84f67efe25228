package memory

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// end is one end of a connection as its peer finds it.
type end struct {
	fabric *Fabric
	side   Side
	setup  transport.Setup
	qps    []transport.QP
	lender *lender // of a lender's end
}

// endpoint is what the peer has to know.
func (e *end) endpoint() transport.Endpoint {
	return transport.Endpoint{
		Kind: transport.RDMA, Device: "memory/1", GID: netip.IPv6Loopback(), LinkLayer: transport.Ethernet,
		MTU: 4096, MaxMessage: 1 << 30, MaxRead: 16, QPs: append([]transport.QP(nil), e.qps...),
	}
}

// find looks the peer of e up by what its endpoint says.
func (e *end) find(peer transport.Endpoint) (*end, error) {
	f := e.fabric
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(peer.QPs) != len(e.qps) {
		return nil, fmt.Errorf("memory: peer has %d queue pairs, this end %d", len(peer.QPs), len(e.qps))
	}
	found := f.ends[peer.QPs[0].Number]
	if found == nil || found.side == e.side {
		return nil, fmt.Errorf("memory: queue pair %d is not to be found", peer.QPs[0].Number)
	}
	for i, qp := range peer.QPs {
		if found.qps[i] != qp {
			return nil, fmt.Errorf("memory: queue pair %d: number or PSN is not the peer's", qp.Number)
		}
	}
	return found, nil
}

// pending is an end that is not connected yet.
type pending[T any] struct {
	*end
	finish func(peer *end) T
	once   sync.Once
}

func (p *pending[T]) Endpoint() transport.Endpoint { return p.endpoint() }

// Connect finds the peer. After an error the end is gone.
func (p *pending[T]) Connect(ctx context.Context, peer transport.Endpoint) (T, error) {
	var none T
	err := fmt.Errorf("memory: pending end used again: %w", transport.ErrClosed)
	var found *end
	p.once.Do(func() {
		if err = ctx.Err(); err == nil {
			found, err = p.find(peer)
		}
		if err != nil {
			p.fabric.forget(p.end)
		}
	})
	if err != nil {
		return none, err
	}
	return p.finish(found), nil
}

// Close gives the end up. After Connect it does nothing.
func (p *pending[T]) Close() error {
	p.once.Do(func() { p.fabric.forget(p.end) })
	return nil
}
