package tcp

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// lender is the passive end. It answers what the peer asks of its loans.
type lender struct {
	*end
	key  uint32      // of every ticket
	free chan uint16 // slots that are not lent

	table sync.Mutex
	loans []*loan  // by slot; nil: not lent. Guarded by table
	gens  []uint16 // by slot: of the loan, or of the next one. Guarded by table
}

var _ transport.Lender = (*lender)(nil)

// newLender takes the connections over.
func newLender(f *Fabric, s transport.Setup, conns []net.Conn) *lender {
	l := &lender{
		end: newEnd(f, s), key: rand.Uint32() | 1, free: make(chan uint16, s.Slots),
		loans: make([]*loan, s.Slots), gens: make([]uint16, s.Slots),
	}
	for i := range s.Slots {
		l.free <- uint16(i)
	}
	for _, c := range conns {
		_ = l.add(c, func() error { return l.serve(c) }) // it is not closed, so it does not fail
	}
	return l
}

// LendSource lends the page cache, or a slab that it fills from src.
func (l *lender) LendSource(ctx context.Context, src io.ReaderAt, ext transport.Extent) (transport.Loan, error) {
	slot, done, err := l.take(ctx, ext, transport.Put)
	if err != nil {
		return nil, err
	}
	defer done()
	p, digest, ok := l.showPages(src, ext)
	if !ok {
		if p, digest, err = l.load(src, ext); err != nil {
			l.free <- slot
			return nil, err
		}
	}
	return l.lend(&loan{lender: l, ext: ext, payload: p, digest: digest}, slot), nil
}

// showPages makes a payload of an extent where it lies. Without digests nothing would
// tell that it was written to between the last look at the file and the wire: a slab
// holds what was read.
func (l *lender) showPages(src io.ReaderAt, ext transport.Extent) (p payload, digest transport.Digest, ok bool) {
	paged, isPaged := src.(transport.Paged)
	if !isPaged || ext.Len < leastPaged || l.setup.Unverified || l.setup.TLS {
		return p, digest, false
	}
	ok = paged.Place(ext, func(at transport.Place) (err error) {
		p, digest, err = l.show(at, ext.Len)
		return err
	})
	return p, digest, ok
}

// LendSink clears the way for a push into a slab.
func (l *lender) LendSink(ctx context.Context, dst io.WriterAt, ext transport.Extent) (transport.Loan, error) {
	slot, done, err := l.take(ctx, ext, transport.Get)
	if err != nil {
		return nil, err
	}
	defer done()
	return l.lend(&loan{
		lender: l, ext: ext, dst: dst, pushed: make(chan struct{}),
		payload: payload{slab: l.slabs.get(), n: ext.Len},
	}, slot), nil
}

// take waits for a free slot. The caller may touch files until it calls done.
func (l *lender) take(ctx context.Context, ext transport.Extent, d transport.Direction) (slot uint16, done func(), err error) {
	if err := l.check(ext); err != nil {
		return 0, nil, err
	}
	if d != l.setup.Direction {
		return 0, nil, fmt.Errorf("tcp: lending for a %s over a connection for a %s", d, l.setup.Direction)
	}
	if done, err = l.use(); err != nil {
		return 0, nil, err
	}
	if err = l.err(); err == nil {
		select {
		case slot = <-l.free:
			return slot, done, nil
		case <-l.broken:
			err = l.err()
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	done()
	return 0, nil, err
}

// lend puts a loan into its slot.
func (l *lender) lend(o *loan, slot uint16) *loan {
	l.table.Lock()
	defer l.table.Unlock()
	o.ticket = transport.Ticket{RKey: l.key, Len: uint32(o.ext.Len), Slot: slot, Gen: l.gens[slot]}
	l.loans[slot] = o
	return o
}

// serve answers what comes by a connection, until something is wrong.
func (l *lender) serve(c net.Conn) error {
	for {
		h, err := l.hear(c)
		if err != nil {
			return err
		}
		if err := l.answer(c, h); err != nil {
			return err
		}
	}
}

// answer answers one frame.
func (l *lender) answer(c net.Conn, h header) error {
	o, err := l.begin(h)
	if err != nil {
		return err
	}
	defer l.finish(o)
	if h.op == opPull {
		_, err := l.send(c, header{opData, h.ticket}, o.payload)
		return err
	}
	if err := l.receive(c, o.payload.slab[:o.ext.Len]); err != nil {
		return err
	}
	close(o.pushed)
	_, err = l.send(c, header{opDone, h.ticket}, payload{})
	return err
}

// begin finds the loan that a frame is for. It stays whole until finish, whoever returns
// it meanwhile.
func (l *lender) begin(h header) (*loan, error) {
	l.table.Lock()
	defer l.table.Unlock()
	if h.op != l.asked() || int(h.ticket.Slot) >= len(l.loans) {
		return nil, fmt.Errorf("the peer sends a frame of kind %d for slot %d of a %s", h.op, h.ticket.Slot, l.setup.Direction)
	}
	o := l.loans[h.ticket.Slot]
	if o == nil || o.ticket != h.ticket || o.returned {
		return nil, fmt.Errorf("the peer names something that is not lent, in slot %d", h.ticket.Slot)
	}
	if h.op == opPush {
		if o.taken {
			return nil, fmt.Errorf("the peer pushes twice into slot %d", h.ticket.Slot)
		}
		o.taken = true
	}
	o.busy++
	return o, nil
}

// asked is what the peer may send.
func (l *lender) asked() op {
	if l.setup.Direction == transport.Get {
		return opPush
	}
	return opPull
}

// finish ends a frame's use of a loan.
func (l *lender) finish(o *loan) {
	l.table.Lock()
	defer l.table.Unlock()
	o.busy--
	l.vacate(o)
}

// vacate frees a loan's slot once it was returned and no frame uses it. The caller holds
// the table.
func (l *lender) vacate(o *loan) {
	if !o.returned || o.busy > 0 {
		return
	}
	slot := o.ticket.Slot
	l.loans[slot] = nil
	l.gens[slot]++
	l.drop(o.payload)
	l.free <- slot
}

// Close takes back whatever is lent and ends the connection.
func (l *lender) Close() error {
	l.shut()
	l.table.Lock()
	defer l.table.Unlock()
	for _, o := range l.loans {
		if o != nil && !o.returned {
			o.returned = true
			l.vacate(o)
		}
	}
	return nil
}
