package transfer

import (
	"context"
	"io"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// Pull is the daemon's end of a put: it pulls the chunks that are offered into
// dst, until the lender says that all is settled.
func Pull(ctx context.Context, d transport.Driver, link DriverLink, dst io.WriterAt, plan Plan, o Options) (Report, error) {
	t := tally{progress: o.Progress}
	p := puller{driver: d, link: link, dst: dst, ledger: newLedger(plan, &t, false)}
	err := drive(ctx, link, p.ledger, o.window(), p.chunk)
	return t.sum(), explain(ctx, err)
}

type puller struct {
	driver transport.Driver
	link   DriverLink
	dst    io.WriterAt
	ledger *ledger
}

// chunk pulls what is offered. The ledger has to know before the lender does,
// who may answer with the next offer at once.
func (p *puller) chunk(ctx context.Context, o Offer) error {
	got, err := p.driver.Pull(ctx, o.Ticket, p.dst, p.ledger.plan.Extent(o.Chunk))
	if err != nil {
		return err
	}
	if got == o.Digest {
		p.ledger.settle(o.Chunk)
		return settle(ctx, p.link, Settlement{Chunk: o.Chunk, Digest: got})
	}
	if !p.ledger.miss(o.Chunk) {
		return damaged(o.Chunk, o.Digest, got)
	}
	return settle(ctx, p.link, Settlement{Chunk: o.Chunk, Digest: got, Again: true})
}
