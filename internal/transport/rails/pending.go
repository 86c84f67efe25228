package rails

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// Rail is what a connection over one rail is made of.
type Rail struct {
	Fabric transport.Fabric
	Setup  transport.Setup
}

// Most is how many rails a connection has at most: tickets name them by a byte, and
// no host has more.
const Most = 16

// Replacer is an end of a connection over rails: what Connect returns here.
type Replacer[T any] interface {
	Replace(lost int, by T) error
}

// Share is how many of a connection's slots each of n rails gets.
func Share(slots, n int) int { return max(min(slots, 2), (slots+n-1)/n) }

// PrepareLender makes the passive end of a connection over rails, the first of which
// has to work. A further one that does not is left out, and dropped is told why; it is
// told, too, of each that is lost later while others are left. It may be nil.
func PrepareLender(ctx context.Context, rs []Rail, dropped func(i int, why error)) (transport.Pending[transport.Lender], error) {
	return prepare(ctx, rs, dropped, newLender, func(ctx context.Context, r Rail) (transport.Pending[transport.Lender], error) {
		return r.Fabric.PrepareLender(ctx, r.Setup)
	})
}

// PrepareDriver makes the active end. Rail i is to be connected to the lender's rail i.
func PrepareDriver(ctx context.Context, rs []Rail, dropped func(i int, why error)) (transport.Pending[transport.Driver], error) {
	return prepare(ctx, rs, dropped, newDriver, func(ctx context.Context, r Rail) (transport.Pending[transport.Driver], error) {
		return r.Fabric.PrepareDriver(ctx, r.Setup)
	})
}

// pending is an end whose rails wait for the peer's endpoints.
type pending[T end] struct {
	rails   []transport.Pending[T] // nil: dropped
	made    []Rail
	join    func([]T, *pending[T]) T // of what is connected; the zero T: nothing there
	dropped func(i int, why error)
}

func prepare[T end](ctx context.Context, rs []Rail, dropped func(int, error), join func([]T, *pending[T]) T,
	one func(context.Context, Rail) (transport.Pending[T], error),
) (transport.Pending[T], error) {
	if len(rs) == 0 || len(rs) > Most {
		return nil, fmt.Errorf("rails: %d of them: 1 to %d", len(rs), Most)
	}
	p := &pending[T]{rails: make([]transport.Pending[T], len(rs)), made: rs, join: join, dropped: dropped}
	for i, r := range rs {
		end, err := one(ctx, r)
		if err != nil && i == 0 {
			return nil, err
		}
		if err == nil && p.has(r, end) {
			err = errors.Join(errors.New("the way to the peer leads over a rail that is used already"), end.Close())
		}
		if err != nil {
			p.drop(i, err)
			continue
		}
		p.rails[i] = end
	}
	return p, nil
}

// has reports whether a rail that its route has chosen is one that is there already.
func (p *pending[T]) has(r Rail, end transport.Pending[T]) bool {
	return r.Setup.Device == "" && r.Setup.Peer.IsValid() && slices.ContainsFunc(p.rails, func(other transport.Pending[T]) bool {
		return other != nil && other.Endpoint().Device == end.Endpoint().Device
	})
}

// drop tells of a rail that is left out.
func (p *pending[T]) drop(i int, why error) {
	if p.dropped != nil {
		p.dropped(i, why)
	}
}

// Endpoint is the first rail's, with the others in More. After Connect, those that
// could not be connected are blank.
func (p *pending[T]) Endpoint() transport.Endpoint {
	e := p.rails[0].Endpoint()
	for _, r := range p.rails[1:] {
		more := transport.Endpoint{}
		if r != nil {
			more = r.Endpoint()
			e.MaxMessage = min(e.MaxMessage, more.MaxMessage)
		}
		e.More = append(e.More, more)
	}
	return e
}

// Connect connects all rails at once: an address that nobody answers for takes its
// time.
func (p *pending[T]) Connect(ctx context.Context, peer transport.Endpoint) (none T, err error) {
	ends, errs := make([]T, len(p.rails)), make([]error, len(p.rails))
	var wg sync.WaitGroup
	for i, r := range p.rails {
		if r == nil {
			continue
		}
		to := peer
		if i > 0 {
			to = more(peer, i-1)
		}
		if len(to.QPs) == 0 && i > 0 {
			errs[i] = errors.Join(errors.New("the peer has no end for it"), r.Close())
			continue
		}
		to.More = nil
		wg.Go(func() {
			defer fault.Caught(&errs[i], "connecting a rail")
			ends[i], errs[i] = r.Connect(ctx, to)
		})
	}
	wg.Wait()
	if errs[0] != nil {
		for _, end := range ends {
			if end != none {
				_ = end.Close() // the first error says it all
			}
		}
		return none, errors.Join(errs[0], p.Close())
	}
	for i, err := range errs {
		if err != nil {
			p.rails[i] = nil
			p.drop(i, err)
		}
	}
	return p.join(ends, p), nil
}

// more is a peer's further rail; blank if it has none.
func more(peer transport.Endpoint, i int) transport.Endpoint {
	if i < len(peer.More) {
		return peer.More[i]
	}
	return transport.Endpoint{}
}

// Close gives up what is not connected.
func (p *pending[T]) Close() error {
	var errs []error
	for _, r := range p.rails {
		if r != nil {
			errs = append(errs, r.Close())
		}
	}
	return errors.Join(errs...)
}
