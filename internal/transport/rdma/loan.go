package rdma

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/internal/mr"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// loan is a slot in the peer's reach.
type loan struct {
	l        *lender
	lease    *mr.Lease
	ext      transport.Extent
	returned sync.Once
}

// Ticket names the slot.
func (o *loan) Ticket() transport.Ticket {
	return transport.Ticket{
		Addr: o.lease.Addr(), RKey: uint32(o.l.pool.RKey()), Len: uint32(o.ext.Len),
		Slot: o.lease.Slot(), Gen: o.lease.Gen(),
	}
}

// Return frees the slot.
func (o *loan) Return() { o.returned.Do(func() { o.l.release(o.lease) }) }

// sourceLoan is what the peer may READ: a slot, or a part of the page cache that goes
// by the slot's number.
type sourceLoan struct {
	loan
	view   view
	digest transport.Digest
}

// Ticket names the memory.
func (s *sourceLoan) Ticket() transport.Ticket {
	t := s.loan.Ticket()
	t.Addr, t.RKey = s.view.addr, uint32(s.view.rkey)
	return t
}

// Return frees the slot, and the page cache unless Close has.
func (s *sourceLoan) Return() {
	s.returned.Do(func() {
		done, err := s.l.use()
		if err != nil {
			return
		}
		defer done()
		s.l.hide(s.view.window)
		s.l.release(s.lease)
	})
}

// Settle returns the digest that was taken when the extent was lent.
func (s *sourceLoan) Settle(context.Context) (transport.Digest, error) {
	s.l.counters.moved(s.ext.Len)
	return s.digest, nil
}

// sinkLoan is a slot that the peer WRITEs into.
type sinkLoan struct {
	loan
	dst    io.WriterAt
	pushed chan struct{} // closed when the bytes are there
}

// Settle waits for the push, then writes the slot to the sink. The engine settles
// a loan once the driver has said that it pushed, so the bytes are there, or are
// about to be.
func (s *sinkLoan) Settle(ctx context.Context) (none transport.Digest, err error) {
	stall := time.NewTimer(stallLimit)
	defer stall.Stop()
	select {
	case <-s.pushed:
	case <-stall.C:
		s.l.fail(lost(fmt.Errorf("nothing was pushed into slot %d within %v", s.lease.Slot(), stallLimit)))
		return none, s.l.err()
	case <-s.l.broken:
		return none, s.l.err()
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
	done, err := s.l.use()
	if err != nil {
		return none, err
	}
	defer done()
	digest := s.l.sum(s.lease.Bytes(), s.ext.Len)
	if err := s.l.flush(s.lease.Bytes(), s.dst, s.ext); err != nil {
		return none, err
	}
	s.l.counters.moved(s.ext.Len)
	return digest, nil
}

// Return frees the slot; a push that comes now is for no loan.
func (s *sinkLoan) Return() {
	s.l.mu.Lock()
	delete(s.l.sinks, s.Ticket().Imm())
	s.l.mu.Unlock()
	s.loan.Return()
}
