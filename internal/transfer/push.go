package transfer

import (
	"context"
	"io"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// Push is the daemon's end of a get: it pushes the chunks of src into the room
// that is offered, until the lender says that all is settled.
func Push(ctx context.Context, d transport.Driver, link DriverLink, src io.ReaderAt, plan Plan, o Options) (Report, error) {
	t := tally{progress: o.Progress}
	p := pusher{driver: d, link: link, src: src, ledger: newLedger(plan, &t, true)}
	err := drive(ctx, link, p.ledger, o.window(), p.chunk)
	return t.sum(), explain(ctx, err)
}

type pusher struct {
	driver transport.Driver
	link   DriverLink
	src    io.ReaderAt
	ledger *ledger
}

// chunk pushes into what is offered. Whether the bytes arrived whole is for the
// lender to see, who offers the chunk again if they did not.
func (p *pusher) chunk(ctx context.Context, o Offer) error {
	sent, err := p.driver.Push(ctx, p.src, p.ledger.plan.Extent(o.Chunk), o.Ticket)
	if err != nil {
		return err
	}
	p.ledger.settle(o.Chunk)
	return settle(ctx, p.link, Settlement{Chunk: o.Chunk, Digest: sent})
}
