package tcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// loan is what the peer may ask for, or send.
type loan struct {
	lender  *lender
	ticket  transport.Ticket
	ext     transport.Extent
	payload payload // what is sent, or where what was pushed is

	dst    io.WriterAt   // nil for a source
	pushed chan struct{} // closed when the bytes are there; nil for a source

	busy     int  // frames that use it; guarded by lender.table
	taken    bool // a push has begun; guarded by lender.table
	returned bool // guarded by lender.table

	settling sync.Mutex
	settled  bool // guarded by settling
	digest   transport.Digest
}

// Ticket names the loan on the wire.
func (o *loan) Ticket() transport.Ticket { return o.ticket }

// Return frees the slot, once no frame uses it.
func (o *loan) Return() {
	o.lender.table.Lock()
	defer o.lender.table.Unlock()
	if !o.returned {
		o.returned = true
		o.lender.vacate(o)
	}
}

// Settle waits for the push of a sink and writes it out. The engine settles a loan once
// the driver has said that it pushed, so the bytes are there, or are about to be.
func (o *loan) Settle(ctx context.Context) (none transport.Digest, err error) {
	if o.dst != nil {
		if err := o.arrive(ctx); err != nil {
			return none, err
		}
	}
	done, err := o.lender.use()
	if err != nil {
		return none, err
	}
	defer done()
	o.settling.Lock()
	defer o.settling.Unlock()
	if o.settled {
		return o.digest, nil
	}
	if o.dst != nil {
		o.digest = o.lender.sum(o.payload.slab[:o.ext.Len])
		if err := o.lender.flush(o.payload.slab, o.dst, o.ext); err != nil {
			return none, err
		}
	}
	o.settled = true
	o.lender.moved(o.ext.Len)
	return o.digest, nil
}

// arrive waits for the push.
func (o *loan) arrive(ctx context.Context) error {
	stall := time.NewTimer(o.lender.stall)
	defer stall.Stop()
	select {
	case <-o.pushed:
		return nil
	case <-stall.C:
		o.lender.fail(lost(fmt.Errorf("nothing was pushed into slot %d within %v", o.ticket.Slot, o.lender.stall)))
		return o.lender.err()
	case <-o.lender.broken:
		return o.lender.err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Lost ends the connection: it has no other rail.
func (o *loan) Lost() {
	o.lender.fail(lost(errors.New("the peer has lost it")))
	_ = o.lender.Close() // it does not fail
}
