package memory

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// loan implements transport.Loan.
type loan struct {
	lender *lender
	ticket transport.Ticket

	arrived chan struct{} // closed by the push; nil for a source
	dst     io.WriterAt   // nil for a source
	off     int64

	mu       sync.Mutex
	settled  bool
	returned bool
	digest   transport.Digest
}

// Ticket names the loan on the wire.
func (l *loan) Ticket() transport.Ticket { return l.ticket }

// Settle waits for the push of a sink and writes its bytes out.
func (l *loan) Settle(ctx context.Context) (transport.Digest, error) {
	if l.dst == nil {
		return l.settle(nil)
	}
	select {
	case <-l.arrived:
	case <-l.lender.life.ended:
	case <-ctx.Done():
	}
	if err := l.lender.life.alive(ctx); err != nil {
		return transport.Digest{}, err
	}
	return l.settle(l.lender.slab.bytes(l.ticket.Slot)[:l.ticket.Len])
}

// settle writes what a push brought, once, and counts the loan.
func (l *loan) settle(pushed []byte) (transport.Digest, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.settled {
		return l.digest, nil
	}
	done := transport.Stats{Bytes: uint64(l.ticket.Len), Chunks: 1}
	if pushed != nil {
		start := time.Now()
		l.digest = l.lender.setup.Sum(pushed)
		hashed := time.Now()
		copied, err := writeFull(l.dst, pushed, l.off)
		if err != nil {
			return transport.Digest{}, err
		}
		done.Digest, done.Sink = hashed.Sub(start), time.Since(hashed)
		done.CopiedBytes, done.Completions = copied, 1
	}
	l.settled = true
	l.lender.count.add(done)
	return l.digest, nil
}

// Return gives the slot back, once.
func (l *loan) Return() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.returned {
		l.returned = true
		l.lender.slab.giveBack(l.ticket.Slot)
	}
}

// Lost ends the connection: it has no other rail.
func (l *loan) Lost() {
	l.lender.life.end(lost("the peer has lost it"))
	l.lender.slab.revoke()
}
