package transfer

import (
	"context"
	"io"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// Send is the client's end of a put: it lends the chunks of src and sees each
// settled. After an error the connection is good for nothing but Close: loans
// whose fate is unknown keep their slots until then.
func Send(ctx context.Context, l transport.Lender, link LenderLink, src io.ReaderAt, plan Plan, o Options) (Report, error) {
	s := sender{lender: l, src: src, plan: plan, tally: tally{progress: o.Progress}}
	err := lend(ctx, link, plan, o.window(), s.chunk)
	return s.tally.sum(), explain(ctx, err)
}

type sender struct {
	lender transport.Lender
	src    io.ReaderAt
	plan   Plan
	tally  tally
}

// chunk lends one chunk, and offers the same loan again as long as the driver
// finds other bytes than were read.
func (s *sender) chunk(ctx context.Context, d *desk, chunk int64) error {
	ext := s.plan.Extent(chunk)
	loan, err := s.lender.LendSource(ctx, s.src, ext)
	if err != nil {
		return err
	}
	digest, err := loan.Settle(ctx)
	if err != nil {
		return err
	}
	offer := Offer{Chunk: chunk, Ticket: loan.Ticket(), Digest: digest}
	for try := 1; ; try++ {
		said, err := d.ask(ctx, offer)
		switch {
		case err != nil:
			return err
		case !said.Again && said.Digest == digest:
			loan.Return()
			s.tally.moved(ext.Len)
			return nil
		case !said.Again || try == tries: // the driver contents itself with other bytes, or gets no right ones
			return damaged(chunk, digest, said.Digest)
		}
		s.tally.retried()
	}
}
