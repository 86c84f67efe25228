package transfer

import (
	"context"
	"sync"
)

// desk is where the workers of a lending end leave offers and get the driver's
// answers. Two goroutines stand behind it, one for each direction of the link.
type desk struct {
	offers chan Offer    // closed once no worker is left
	owed   chan struct{} // one for each offer made: as many settlements are read, and not one more

	mu      sync.Mutex
	waiting map[int64]chan<- Settlement // by chunk
}

// newDesk makes a desk for so many workers, each of whom asks for one thing at
// a time.
func newDesk(workers int) *desk {
	return &desk{
		offers:  make(chan Offer),
		owed:    make(chan struct{}, workers),
		waiting: make(map[int64]chan<- Settlement, workers),
	}
}

// ask offers a chunk and waits for its settlement.
func (d *desk) ask(ctx context.Context, o Offer) (Settlement, error) {
	answer := make(chan Settlement, 1)
	d.mu.Lock()
	d.waiting[o.Chunk] = answer
	d.mu.Unlock()
	select {
	case d.offers <- o:
	case <-ctx.Done():
		return Settlement{}, ctx.Err()
	}
	select {
	case s := <-answer:
		return s, nil
	case <-ctx.Done():
		return Settlement{}, ctx.Err()
	}
}

// speak makes the offers, until no worker is left.
func (d *desk) speak(ctx context.Context, link LenderLink) error {
	defer close(d.owed)
	for o := range d.offers {
		if err := link.Offer(ctx, o); err != nil {
			return linkFailed(err)
		}
		d.owed <- struct{}{}
	}
	return nil
}

// listen hands out the settlements that are owed.
func (d *desk) listen(ctx context.Context, link LenderLink) error {
	for range d.owed {
		s, err := link.Settlement(ctx)
		if err != nil {
			return linkFailed(err)
		}
		d.mu.Lock()
		answer := d.waiting[s.Chunk]
		delete(d.waiting, s.Chunk)
		d.mu.Unlock()
		if answer == nil {
			return broke("chunk %d is settled, but was not offered", s.Chunk)
		}
		answer <- s
	}
	return nil
}
