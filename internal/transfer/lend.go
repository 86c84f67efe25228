package transfer

import (
	"context"
	"sync"

	"github.com/rdmacp/rdmacp/internal/failpoint"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// lending is the half of an end that makes up the bundles and lends them. As many
// workers as bundles may be in flight see one after the other through from disk
// to settlement, so that reading, digests, wire and writing of different bundles
// overlap by themselves.
type lending struct {
	*end
	lender transport.Lender
	queue  *queue
	busy   sync.WaitGroup // workers

	mu      sync.Mutex
	waiting map[int64]chan<- Settlement // by offer
}

func newLending(e *end, l transport.Lender) *lending {
	return &lending{end: e, lender: l, queue: newQueue(e.options.chunk()), waiting: map[int64]chan<- Settlement{}}
}

// workers returns what each worker does: to lend one bundle after the other until
// the queue is closed.
func (l *lending) workers(lend func(ctx context.Context, b *bundle) error) []func(context.Context) error {
	ws := make([]func(context.Context) error, l.options.window())
	l.busy.Add(len(ws))
	for i := range ws {
		ws[i] = func(ctx context.Context) error {
			defer l.busy.Done()
			for {
				b, err := l.queue.next(ctx)
				if err == nil && b == nil {
					return nil
				}
				if err == nil {
					err = l.throttle(ctx, length(b.segments))
				}
				if err == nil {
					err = lend(ctx, b)
				}
				if err != nil {
					return err
				}
			}
		}
	}
	return ws
}

// drain lends no more, and waits until whatever was offered is settled.
func (l *lending) drain() {
	l.queue.close()
	l.busy.Wait()
}

// throttle waits until n bytes may be lent.
func (l *lending) throttle(ctx context.Context, n int) error {
	if l.options.Limit == nil {
		return nil
	}
	for n > 0 {
		part := min(n, l.options.Limit.Burst())
		if err := l.options.Limit.WaitN(ctx, part); err != nil {
			return err
		}
		n -= part
	}
	return nil
}

// ask makes an offer and waits until it is settled.
func (l *lending) ask(ctx context.Context, o Offer) (Settlement, error) {
	if err := failpoint.At("offer"); err != nil {
		return Settlement{}, err
	}
	answer := make(chan Settlement, 1)
	l.mu.Lock()
	l.waiting[o.ID] = answer
	l.mu.Unlock()
	l.out.add(func(b *Batch) { b.Offers = append(b.Offers, o) })
	select {
	case s := <-answer:
		if err := checkKept(s, o); err != nil {
			return Settlement{}, err
		}
		return s, nil
	case <-ctx.Done():
		return Settlement{}, ctx.Err()
	}
}

// checkKept refuses a settlement that keeps what was not asked about.
func checkKept(s Settlement, o Offer) error {
	last := -1
	for _, i := range s.Kept {
		if i <= last || i >= len(o.Segments) || !o.Segments[i].Compare {
			return broke("segment %d of offer %d is kept", i, o.ID)
		}
		last = i
	}
	return nil
}

// settle hands out settlements.
func (l *lending) settle(ss []Settlement) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range ss {
		answer := l.waiting[s.ID]
		if answer == nil {
			return broke("offer %d is settled, but was not made", s.ID)
		}
		delete(l.waiting, s.ID)
		answer <- s
	}
	return nil
}
