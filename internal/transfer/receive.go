package transfer

import (
	"context"
	"io"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// Receive is the client's end of a get: it lends room for the chunks of dst and
// sees each arrive. After an error the connection is good for nothing but Close:
// loans whose fate is unknown keep their slots until then.
func Receive(ctx context.Context, l transport.Lender, link LenderLink, dst io.WriterAt, plan Plan, o Options) (Report, error) {
	r := receiver{lender: l, dst: dst, plan: plan, tally: tally{progress: o.Progress}}
	err := lend(ctx, link, plan, o.window(), r.chunk)
	return r.tally.sum(), explain(ctx, err)
}

type receiver struct {
	lender transport.Lender
	dst    io.WriterAt
	plan   Plan
	tally  tally
}

// chunk gets one chunk, again as long as other bytes arrive than the driver
// sent.
func (r *receiver) chunk(ctx context.Context, d *desk, chunk int64) error {
	for try := 1; ; try++ {
		sent, arrived, err := r.once(ctx, d, chunk)
		switch {
		case err != nil:
			return err
		case sent == arrived:
			r.tally.moved(r.plan.Extent(chunk).Len)
			return nil
		case try == tries:
			return damaged(chunk, sent, arrived)
		}
		r.tally.retried()
	}
}

// once lends room for a chunk and waits until the driver's word and its bytes
// are both there.
func (r *receiver) once(ctx context.Context, d *desk, chunk int64) (sent, arrived transport.Digest, err error) {
	loan, err := r.lender.LendSink(ctx, r.dst, r.plan.Extent(chunk))
	if err != nil {
		return sent, arrived, err
	}
	said, err := d.ask(ctx, Offer{Chunk: chunk, Ticket: loan.Ticket()})
	if err != nil {
		return sent, arrived, err
	}
	if said.Again {
		return sent, arrived, broke("chunk %d is asked for again, but flows the other way", chunk)
	}
	if arrived, err = loan.Settle(ctx); err != nil {
		return sent, arrived, err
	}
	loan.Return()
	return said.Digest, arrived, nil
}
