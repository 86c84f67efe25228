package transfer_test

import (
	"context"
	"io"
	"math/rand/v2"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/transport/rails"
)

// wires are the rails of a simulated world. The first has the faults that are drawn;
// the others only take their time, so that a copy has to survive the loss of the first.
type wires []*memory.Fabric

func newWires(s scenario) wires {
	ws := wires{memory.New(s.wire)}
	for range s.spare {
		ws = append(ws, memory.New(memory.Faults{Seed: s.wire.Seed, Delay: s.wire.Delay, Retry: s.wire.Retry, Paged: s.wire.Paged, Late: s.wire.Late}))
	}
	return ws
}

func (ws wires) rails(s transport.Setup) []rails.Rail {
	rs := make([]rails.Rail, 0, len(ws))
	for _, w := range ws {
		rs = append(rs, rails.Rail{Fabric: w, Setup: s})
	}
	return rs
}

// PrepareLender implements transport.Fabric.
func (ws wires) PrepareLender(ctx context.Context, s transport.Setup) (transport.Pending[transport.Lender], error) {
	if len(ws) == 1 {
		return ws[0].PrepareLender(ctx, s)
	}
	return rails.PrepareLender(ctx, ws.rails(s), nil)
}

// PrepareDriver implements transport.Fabric.
func (ws wires) PrepareDriver(ctx context.Context, s transport.Setup) (transport.Pending[transport.Driver], error) {
	if len(ws) == 1 {
		return ws[0].PrepareDriver(ctx, s)
	}
	return rails.PrepareDriver(ctx, ws.rails(s), nil)
}

// Kill takes one side's hosts down.
func (ws wires) Kill(side memory.Side) {
	for _, w := range ws {
		w.Kill(side)
	}
}

// LatePackets are those of all rails.
func (ws wires) LatePackets() (n int64) {
	for _, w := range ws {
		n += w.LatePackets()
	}
	return n
}

// paced is a lender in front of which nobody waits at the same instant as anybody else,
// and whose loans do not end at the same instant either: of those who do, the scheduler
// would choose, and not the seed.
type paced struct {
	transport.Lender
	seed uint64
}

// wait waits for a time that depends on the bundle at off and on the place.
func (p paced) wait(ctx context.Context, off int64, place uint64) {
	rng := rand.New(rand.NewPCG(p.seed+place, uint64(off)))
	timer := time.NewTimer(time.Duration(rng.Int64N(int64(second))))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// LendSource implements transport.Lender.
func (p paced) LendSource(ctx context.Context, src io.ReaderAt, ext transport.Extent) (transport.Loan, error) {
	p.wait(ctx, ext.Off, 0)
	o, err := p.Lender.LendSource(ctx, src, ext)
	return &pacedLoan{Loan: o, lender: p, off: ext.Off}, err
}

// LendSink implements transport.Lender.
func (p paced) LendSink(ctx context.Context, dst io.WriterAt, ext transport.Extent) (transport.Loan, error) {
	p.wait(ctx, ext.Off, 0)
	o, err := p.Lender.LendSink(ctx, dst, ext)
	return &pacedLoan{Loan: o, lender: p, off: ext.Off}, err
}

// pacedLoan is a loan of a paced lender. A slot's rail is part of what happens next, and
// so is the order in which bundles that have lost theirs get new numbers.
type pacedLoan struct {
	transport.Loan
	lender paced
	off    int64
}

// Settle implements transport.Loan.
func (o *pacedLoan) Settle(ctx context.Context) (transport.Digest, error) {
	d, err := o.Loan.Settle(ctx)
	if err != nil {
		o.lender.wait(ctx, o.off, 1)
	}
	return d, err
}

// Return implements transport.Loan.
func (o *pacedLoan) Return() {
	o.lender.wait(context.Background(), o.off, 2)
	o.Loan.Return()
}

// Lost implements transport.Loan.
func (o *pacedLoan) Lost() {
	o.lender.wait(context.Background(), o.off, 3)
	o.Loan.Lost()
}
