package rdma

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/rdmacp/rdmacp/internal/failpoint"
	"github.com/rdmacp/rdmacp/internal/mr"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// lender is the passive end: it fills slots and lets the peer at them.
type lender struct {
	*conn
	recvs [][]verbs.RecvWR // by queue pair: as many as there are slots, all alike

	mu    sync.Mutex
	sinks map[uint32]*sinkLoan // lent sinks that wait for their push, by immediate
}

var _ transport.Lender = (*lender)(nil)

// newLender takes a connected end over and posts the receives that pushes
// consume: as many on each queue pair as there are slots, so that there is one
// for every push however the driver spreads them.
func newLender(e *end, peer transport.Endpoint) (transport.Lender, error) {
	l := &lender{recvs: make([][]verbs.RecvWR, len(e.qps)), sinks: map[uint32]*sinkLoan{}}
	l.conn = newConn(e, peer, l.arrived)
	l.run()
	if e.setup.Direction != transport.Get {
		e.vctx.add(l.conn)
		return l, nil
	}
	for i := range l.qps {
		l.recvs[i] = slices.Repeat([]verbs.RecvWR{{ID: recvBit | uint64(i)}}, e.setup.Slots)
		if err := l.postRecvs(i, e.setup.Slots); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	e.vctx.add(l.conn)
	return l, nil
}

// postRecvs posts n receives on queue pair i. They have no memory: a push
// brings its bytes by WRITE, and consumes the receive for its immediate alone.
func (l *lender) postRecvs(i, n int) error {
	l.posts[i].Lock()
	defer l.posts[i].Unlock()
	posted, err := l.qps[i].PostRecv(l.recvs[i][:n])
	l.work.Add(int64(posted))
	l.counters.workReqs.Add(uint64(posted))
	if err != nil {
		return fmt.Errorf("posting receives on queue pair %d: %w", l.qps[i].QPN(), err)
	}
	return nil
}

// LendSource lends the page cache, or a slot that it fills from src.
func (l *lender) LendSource(ctx context.Context, src io.ReaderAt, ext transport.Extent) (transport.Loan, error) {
	lease, err := l.lend(ctx, ext)
	if err != nil {
		return nil, err
	}
	defer l.done()
	v, digest, err := l.show(lease, src, ext)
	if err != nil {
		l.release(lease)
		return nil, err
	}
	return &sourceLoan{loan: loan{l: l, lease: lease, ext: ext, view: v}, digest: digest}, nil
}

// LendSink clears the way for a push into dst's page cache, or a slot.
func (l *lender) LendSink(ctx context.Context, dst io.WriterAt, ext transport.Extent) (transport.Loan, error) {
	lease, err := l.lend(ctx, ext)
	if err != nil {
		return nil, err
	}
	defer l.done()
	v, err := l.room(lease, dst, ext)
	if err != nil {
		l.release(lease)
		return nil, err
	}
	s := &sinkLoan{loan: loan{l: l, lease: lease, ext: ext, view: v}, dst: dst, pushed: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sinks[s.Ticket().Imm()] = s
	return s, nil
}

// lend finds a slot for ext. The caller calls done when it has touched it.
func (l *lender) lend(ctx context.Context, ext transport.Extent) (lease mr.Lease, err error) {
	if err := l.check(ext); err != nil {
		return lease, err
	}
	if err := failpoint.At("lend"); err != nil {
		return lease, err
	}
	return l.take(ctx)
}

// arrived wakes the loan that a push was for, and posts the next receive.
func (l *lender) arrived(wc verbs.WC) {
	l.mu.Lock()
	s := l.sinks[wc.Imm]
	delete(l.sinks, wc.Imm)
	l.mu.Unlock()
	if s == nil || int(wc.Len) != s.ext.Len {
		l.fail(lost(fmt.Errorf("the peer pushed %d bytes into slot %d, which was not lent for that", wc.Len, wc.Imm>>16)))
		return
	}
	// The receive first: once the loan's holder is awake its slot may be lent
	// again, and the push into it needs a receive that is posted.
	if err := l.postRecvs(int(wc.ID&^recvBit), 1); err != nil {
		l.fail(lost(err))
		return
	}
	close(s.pushed)
}
