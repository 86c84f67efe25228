package rdma

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/internal/mr"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// loan is memory in the peer's reach: a slot, or a part of a page cache that goes by the
// slot's number.
type loan struct {
	l     *lender
	lease mr.Lease
	ext   transport.Extent
	view  view

	returned sync.Once
	hidden   sync.Once
}

// Ticket names the memory.
func (o *loan) Ticket() transport.Ticket {
	return transport.Ticket{
		Addr: o.view.addr, RKey: uint32(o.view.rkey), Len: uint32(o.ext.Len),
		Slot: o.lease.Slot(), Gen: o.lease.Gen(),
	}
}

// Return frees the memory, unless Close has.
func (o *loan) Return() {
	o.returned.Do(func() {
		if o.l.use() != nil {
			return
		}
		defer o.l.done()
		o.hidden.Do(o.hide)
		o.l.release(o.lease)
	})
}

// hide takes the memory out of the peer's reach. Where that fails the connection ends, which does so.
func (o *loan) hide() {
	if o.view.window == nil {
		_ = o.l.conceal(o.lease)
		return
	}
	o.l.hide(o.view.use)
}

// Lost ends the connection: it has no other rail.
func (o *loan) Lost() {
	o.l.fail(lost(errors.New("the peer has lost it")))
	if err := o.l.Close(); err != nil {
		o.l.log.Warn("closing a rail failed", slog.Any("error", err))
	}
}

// sourceLoan is what the peer may READ.
type sourceLoan struct {
	loan
	digest transport.Digest
}

// Settle returns the digest that was taken when the extent was lent.
func (s *sourceLoan) Settle(context.Context) (transport.Digest, error) {
	s.l.counters.moved(s.ext.Len)
	return s.digest, nil
}

// sinkLoan is what the peer may WRITE to.
type sinkLoan struct {
	loan
	dst    io.WriterAt
	pushed chan struct{} // closed when the bytes are there

	digest transport.Digest // once they are where they belong
	err    error
}

// Settle waits for the push, then brings the bytes to the sink. The engine settles
// a loan once the driver has said that it pushed, so the bytes are there, or are
// about to be.
func (s *sinkLoan) Settle(ctx context.Context) (none transport.Digest, err error) {
	if err := s.arrive(ctx); err != nil {
		return none, err
	}
	if err := s.l.use(); err != nil {
		return none, err
	}
	defer s.l.done()
	s.hidden.Do(func() {
		if s.digest, s.err = s.l.land(s.lease, s.view, s.dst, s.ext); s.err == nil {
			s.l.counters.moved(s.ext.Len)
		}
	})
	return s.digest, s.err
}

// arrive waits for the push.
func (s *sinkLoan) arrive(ctx context.Context) error {
	select {
	case <-s.pushed: // as nearly always
		return nil
	default:
	}
	stall := time.NewTimer(stallLimit)
	defer stall.Stop()
	select {
	case <-s.pushed:
		return nil
	case <-stall.C:
		s.l.fail(lost(fmt.Errorf("nothing was pushed into slot %d within %v", s.lease.Slot(), stallLimit)))
		return s.l.err()
	case <-s.l.broken:
		return s.l.err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Return frees the memory; a push that comes now is for no loan.
func (s *sinkLoan) Return() {
	s.l.mu.Lock()
	delete(s.l.sinks, s.Ticket().Imm())
	s.l.mu.Unlock()
	s.loan.Return()
}
