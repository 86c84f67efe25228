package transfer

import (
	"context"
	"errors"
	"io"

	"golang.org/x/sync/errgroup"
)

// drive runs a driving end: each offer that holds gets a goroutine. The next
// offer is read only once there is room for it, so that a lender can't make this
// end hold more than its own window.
func drive(ctx context.Context, link DriverLink, l *ledger, window int, one func(ctx context.Context, o Offer) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(window + 1) // and the reader
	g.Go(func() error {
		for {
			o, err := link.Offer(ctx)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return linkFailed(err)
			}
			if err := l.take(o); err != nil {
				return err
			}
			g.Go(func() error { return one(ctx, o) })
		}
	})
	if err := g.Wait(); err != nil {
		return err
	}
	return l.complete()
}

// settle tells the lender what became of its offer.
func settle(ctx context.Context, link DriverLink, s Settlement) error {
	if err := link.Settle(ctx, s); err != nil {
		return linkFailed(err)
	}
	return nil
}
