package transfer

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/rdmacp/rdmacp/internal/failpoint"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// driving is the half of an end that works on what is offered, each offer in a
// goroutine. It believes nothing that the lender says: each offer is checked
// before anything is done about it.
type driving struct {
	*end
	driver transport.Driver
	offers chan Offer // closed when the lender makes no more
	mu     sync.Mutex
	flying map[int64]struct{} // offers that are being worked on
}

func newDriving(e *end, d transport.Driver) *driving {
	return &driving{end: e, driver: d, offers: make(chan Offer), flying: map[int64]struct{}{}}
}

// hear hands offers over, once all of them have turned out to be such as may be made. It
// waits while there are as many under way as this end takes, so that a lender can't make
// it hold more.
func (d *driving) hear(ctx context.Context, offers []Offer) error {
	for _, o := range offers {
		if err := d.take(o); err != nil {
			return err
		}
	}
	for _, o := range offers {
		select {
		case d.offers <- o:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// take checks an offer and notes that it is worked on.
func (d *driving) take(o Offer) error {
	if len(o.Segments) == 0 || len(o.Segments) > MaxSegments {
		return broke("a bundle of %d segments", len(o.Segments))
	}
	var n int64
	for _, s := range o.Segments {
		if s.Len <= 0 || s.Off < 0 || s.Len > int64(d.options.chunk()) {
			return broke("a segment of %d bytes at %d", s.Len, s.Off)
		}
		n += s.Len
	}
	if n > int64(d.options.chunk()) || o.Ticket.Len != 0 && int64(o.Ticket.Len) != n {
		return broke("a bundle of %d bytes in %d that are lent", n, o.Ticket.Len)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.flying[o.ID]; ok {
		return broke("offer %d is made twice at once", o.ID)
	}
	d.flying[o.ID] = struct{}{}
	return nil
}

// noMore says that the lender makes no more offers.
func (d *driving) noMore() { close(d.offers) }

// work works on offers until there are no more.
func (d *driving) work(ctx context.Context, one func(ctx context.Context, o Offer) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(d.options.window() + 1)
	g.Go(caught(func() error {
		for {
			select {
			case o, ok := <-d.offers:
				if !ok {
					return nil
				}
				g.Go(caught(func() error { return one(ctx, o) }))
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}))
	return g.Wait()
}

// settle tells the lender what became of its offer.
func (d *driving) settle(s Settlement) {
	_ = failpoint.At("settle")
	d.mu.Lock()
	delete(d.flying, s.ID)
	d.mu.Unlock()
	d.out.add(func(b *Batch) { b.Settled = append(b.Settled, s) })
}
