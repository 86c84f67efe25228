package transfer

import (
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// lend runs a lending end: as many workers as chunks may be in flight, each of
// which sees one chunk after the other through from disk to settlement, so that
// reading, digests, wire and writing of different chunks overlap by themselves.
func lend(ctx context.Context, link LenderLink, plan Plan, window int, one func(ctx context.Context, d *desk, chunk int64) error) error {
	chunks := plan.Chunks()
	window = int(min(int64(window), chunks))
	g, ctx := errgroup.WithContext(ctx)
	d := newDesk(window)
	var next atomic.Int64
	var workers sync.WaitGroup
	workers.Add(window)
	for range window {
		g.Go(func() error {
			defer workers.Done()
			for i := next.Add(1) - 1; i < chunks; i = next.Add(1) - 1 {
				if err := one(ctx, d, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	g.Go(func() error { return d.speak(ctx, link) })
	g.Go(func() error { return d.listen(ctx, link) })
	g.Go(func() error {
		workers.Wait()
		close(d.offers)
		return nil
	})
	return g.Wait()
}
