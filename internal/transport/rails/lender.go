package rails

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// lender is the passive end.
type lender struct {
	*bundle[transport.Lender]

	slots  int        // of a rail
	free   chan uint8 // a token for each slot that is free: its rail
	closed chan struct{}
	lost   chan struct{} // closed when the last rail is gone
	ending sync.Once
	losing sync.Once
}

func newLender(ends []transport.Lender, p *pending[transport.Lender]) transport.Lender {
	made := p.made
	l := &lender{bundle: newBundle(ends, p.dropped), closed: make(chan struct{}), lost: make(chan struct{})}
	for _, r := range made {
		l.slots = max(l.slots, r.Setup.Slots)
	}
	l.free = make(chan uint8, Ever*l.slots)
	for n := range l.slots {
		for i, r := range made { // in turn
			if ends[i] != nil && n < r.Setup.Slots {
				l.free <- uint8(i)
			}
		}
	}
	return l
}

// Replace puts a rail in the place of one that was lost; the driver has it already. Nil is
// one that has not come about at this end, and takes a number all the same. After an error
// the rail is still the caller's.
func (l *lender) Replace(lost int, by transport.Lender) error {
	i, err := l.replace(lost, by)
	for range l.slots {
		if err == nil && by != nil {
			l.free <- uint8(i) // there is room for the slots of all rails that there may be
		}
	}
	return err
}

// LendSource lends on a rail that has a slot free.
func (l *lender) LendSource(ctx context.Context, src io.ReaderAt, ext transport.Extent) (transport.Loan, error) {
	return l.lend(ctx, func(rail transport.Lender) (transport.Loan, error) { return rail.LendSource(ctx, src, ext) })
}

// LendSink lends on a rail that has a slot free.
func (l *lender) LendSink(ctx context.Context, dst io.WriterAt, ext transport.Extent) (transport.Loan, error) {
	return l.lend(ctx, func(rail transport.Lender) (transport.Loan, error) { return rail.LendSink(ctx, dst, ext) })
}

// lend tries rails as their slots become free. The slots of a rail that is gone go with
// it.
func (l *lender) lend(ctx context.Context, on func(transport.Lender) (transport.Loan, error)) (transport.Loan, error) {
	for {
		i, err := l.slot(ctx)
		if err != nil {
			return nil, err
		}
		if l.isGone(i) {
			continue
		}
		o, err := on(l.at(i))
		if err == nil {
			return &loan{Loan: o, lender: l, rail: i}, nil
		}
		err = l.blamed(i, err)
		if errors.Is(err, transport.ErrRail) {
			continue
		}
		l.free <- uint8(i)
		return nil, err
	}
}

// slot waits for a slot, and returns its rail.
func (l *lender) slot(ctx context.Context) (int, error) {
	select { // these win
	case <-l.closed:
		return 0, transport.ErrClosed
	case <-l.lost:
		return 0, fmt.Errorf("%w: every rail is gone", transport.ErrLost)
	default:
	}
	select {
	case i := <-l.free:
		return int(i), nil
	case <-l.closed:
		return 0, transport.ErrClosed
	case <-l.lost:
		return 0, fmt.Errorf("%w: every rail is gone", transport.ErrLost)
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// blamed is blame, and wakes who waits for a slot when there will be none.
func (l *lender) blamed(i int, err error) error {
	err = l.blame(i, err)
	if errors.Is(err, transport.ErrLost) {
		l.losing.Do(func() { close(l.lost) })
	}
	return err
}

// Close closes all rails.
func (l *lender) Close() error {
	l.ending.Do(func() { close(l.closed) })
	return l.bundle.Close()
}

// loan is a loan on one of the rails.
type loan struct {
	transport.Loan
	lender   *lender
	rail     int
	returned sync.Once
}

// Ticket names the rail, too.
func (o *loan) Ticket() transport.Ticket {
	t := o.Loan.Ticket()
	t.Rail = uint8(o.rail)
	return t
}

// Settle is the rail's.
func (o *loan) Settle(ctx context.Context) (transport.Digest, error) {
	d, err := o.Loan.Settle(ctx)
	return d, o.lender.blamed(o.rail, err)
}

// Return gives the slot back.
func (o *loan) Return() {
	o.returned.Do(func() {
		o.Loan.Return()
		o.lender.free <- uint8(o.rail) // there is room for every slot
	})
}

// Lost closes the rail: from then on nothing late can come in over it.
func (o *loan) Lost() {
	_ = o.lender.blamed(o.rail, fmt.Errorf("%w: the peer has lost it", transport.ErrLost))
	_ = o.lender.at(o.rail).Close() // its memory is gone, or is with the kernel
}
