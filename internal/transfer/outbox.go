package transfer

import (
	"context"
	"sync"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// outbox gathers what an end has to say. While one message travels the next one
// fills, so the busier the transfer is the fewer messages a file costs.
type outbox struct {
	wake chan struct{} // holds one token if there is something new

	mu     sync.Mutex
	next   Batch
	closed bool
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

// add puts something in.
func (o *outbox) add(f func(b *Batch)) {
	o.mu.Lock()
	f(&o.next)
	o.mu.Unlock()
	o.stir()
}

// close says that nothing more will be put in.
func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.stir()
}

func (o *outbox) stir() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// run sends what is put in, until the outbox is closed and empty.
func (o *outbox) run(ctx context.Context, link Link) error {
	for {
		pause(100)
		b, full, closed := o.take()
		switch {
		case full:
			if err := link.Send(ctx, b); err != nil {
				return linkFailed(err)
			}
		case closed:
			return nil
		default:
			select {
			case <-o.wake:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// take removes a message's worth. Where not all goes into one, the order holds
// that a receiver relies on: a seal ahead of the bytes that it is about, and a
// verdict ahead of what follows from it.
func (o *outbox) take() (b Batch, full, closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, room := &o.next, maxBatch
	b.Entries = move(&n.Entries, &room, entrySize)
	if len(n.Entries) == 0 {
		b.Last, n.Last = n.Last, false
	}
	b.Problems = move(&n.Problems, &room, func(p tree.Problem) int { return 16 + len(p.Path) + faultSize(p.Fault) })
	b.Removed = move(&n.Removed, &room, func(p string) int { return 4 + len(p) })
	b.Verdicts = move(&n.Verdicts, &room, func(v tree.Verdict) int {
		return 64 + 20*len(v.Ranges) + len(v.Restarted) + faultSize(v.Fault)
	})
	b.Seals = move(&n.Seals, &room, func(s tree.Seal) int { return 64 + len(s.Whole) + faultSize(s.Fault) })
	if len(n.Seals)+len(n.Verdicts) == 0 {
		b.Offers = move(&n.Offers, &room, func(o Offer) int { return 96 + 48*len(o.Segments) })
		b.Settled = move(&n.Settled, &room, func(s Settlement) int { return 48 + 4*len(s.Kept) })
		b.Outcomes = move(&n.Outcomes, &room, func(o Outcome) int { return 16 + faultSize(o.Fault) })
	}
	if len(n.Entries)+len(n.Problems)+len(n.Removed)+len(n.Verdicts)+len(n.Seals)+len(n.Offers)+len(n.Settled)+len(n.Outcomes) == 0 {
		b.Done, n.Done = n.Done, false
	}
	full = room < maxBatch || b.Last || b.Done
	return b, full, o.closed
}

// move takes items off the front of a list as long as there is room, and at
// least one if nothing else has been taken.
func move[T any](from *[]T, room *int, size func(T) int) []T {
	n := 0
	for _, item := range *from {
		s := size(item)
		if s > *room && *room < maxBatch {
			break
		}
		*room -= s
		n++
	}
	head := (*from)[:n:n]
	if *from = (*from)[n:]; len(*from) == 0 {
		*from = nil // the list's memory goes with the message
	}
	if n == 0 {
		return nil
	}
	return head
}

// faultSize is roughly what a fault takes in a message; nil takes nothing.
func faultSize(err error) int {
	if err == nil {
		return 0
	}
	n := 32 + len(err.Error())
	if f, ok := fault.As(err); ok {
		n += len(f.Fix)
	}
	return n
}

// entrySize is roughly what an entry takes, in a message and in memory.
func entrySize(e tree.Entry) int {
	n := 96 + len(e.Name) + len(e.Link) + 20*len(e.Data)
	for _, x := range e.Meta.Xattrs {
		n += 8 + len(x.Name) + len(x.Value)
	}
	return n
}
