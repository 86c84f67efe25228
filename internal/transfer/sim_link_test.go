package transfer_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transfer"
)

// message is what a control link carries: one of its fields.
type message struct {
	offer  *transfer.Offer
	settle *transfer.Settlement
	fault  error // the fault by which the sender ended the transfer
	finish bool  // the client's Finish, the daemon's Committed
	due    time.Time
}

// channel is one way of a control link.
type channel struct {
	queue chan message
	last  *atomic.Bool // whether the sender's last word has come
}

func newChannel(n int) channel { return channel{make(chan message, n), new(atomic.Bool)} }

// controlLink carries messages in order, each way with delays of its own, holds
// only a few, and breaks at a message that is decided beforehand.
type controlLink struct {
	s        scenario
	toDaemon channel
	toClient channel
	steps    atomic.Int64
	frozen   atomic.Bool // a host is dead: nothing arrives any more

	cutOnce sync.Once
	cut     chan struct{}
	onCut   func()

	mu    sync.Mutex
	sent  map[int64]uint64 // messages so far about a chunk
	owing int              // offers that are not settled
	most  int              // the most that it ever was
}

var errStreamGone = fault.New(fault.Lost, "talking to the other end", errors.New("stream reset"), "run the same command again")

func newLink(s scenario, onCut func()) *controlLink {
	return &controlLink{
		s: s, onCut: onCut, cut: make(chan struct{}), sent: map[int64]uint64{},
		toDaemon: newChannel(s.queue), toClient: newChannel(s.queue),
	}
}

// breakDown ends the link for both.
func (l *controlLink) breakDown() {
	l.cutOnce.Do(func() {
		close(l.cut)
		l.onCut()
	})
}

func (l *controlLink) isCut() bool {
	select {
	case <-l.cut:
		return true
	default:
		return false
	}
}

// delay is how long a message about a chunk travels.
func (l *controlLink) delay(chunk int64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent[chunk]++
	rng := rand.New(rand.NewPCG(l.s.seed, uint64(chunk)*31+l.sent[chunk]))
	return time.Duration(1 + rng.Int64N(int64(l.s.wire.Delay)))
}

func (l *controlLink) send(ctx context.Context, to channel, m message, chunk int64) error {
	if l.steps.Add(1) == l.s.linkCut {
		l.breakDown()
	}
	m.due = time.Now().Add(l.delay(chunk))
	switch {
	case l.isCut():
		return errStreamGone
	case ctx.Err() != nil:
		return ctx.Err()
	case l.frozen.Load():
		return nil
	}
	select {
	case to.queue <- m:
		return nil
	case <-l.cut:
		return errStreamGone
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *controlLink) receive(ctx context.Context, from channel) (message, error) {
	var m message
	select {
	case m = <-from.queue:
	case <-l.cut:
	case <-ctx.Done():
		return m, ctx.Err()
	}
	select {
	case <-time.After(max(time.Until(m.due), transmission)): // no two at the same instant
	case <-l.cut:
	}
	if l.isCut() {
		return m, errStreamGone
	}
	if m.finish || m.fault != nil {
		from.last.Store(true)
	}
	return m, m.fault
}

// drain takes what still comes for an end that is through, until the other has
// said its last word.
func (l *controlLink) drain(ctx context.Context, from channel) {
	for !from.last.Load() {
		if _, err := l.receive(ctx, from); err != nil {
			return
		}
	}
}

// owe counts offers that are not settled.
func (l *controlLink) owe(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.owing += n
	l.most = max(l.most, l.owing)
}

// lenderEnd is the client's end of the link.
type lenderEnd struct{ *controlLink }

func (l lenderEnd) Offer(ctx context.Context, o transfer.Offer) error {
	l.owe(1)
	return l.send(ctx, l.toDaemon, message{offer: &o}, o.Chunk)
}

func (l lenderEnd) Settlement(ctx context.Context) (transfer.Settlement, error) {
	m, err := l.receive(ctx, l.toClient)
	switch {
	case err != nil:
		return transfer.Settlement{}, err
	case m.settle == nil:
		return transfer.Settlement{}, errors.New("simulation: committed before the end")
	}
	l.owe(-1)
	return *m.settle, nil
}

// driverEnd is the daemon's end of the link.
type driverEnd struct{ *controlLink }

func (l driverEnd) Offer(ctx context.Context) (transfer.Offer, error) {
	m, err := l.receive(ctx, l.toDaemon)
	switch {
	case err != nil:
		return transfer.Offer{}, err
	case m.finish:
		return transfer.Offer{}, io.EOF
	}
	return *m.offer, nil
}

func (l driverEnd) Settle(ctx context.Context, s transfer.Settlement) error {
	return l.send(ctx, l.toClient, message{settle: &s}, s.Chunk)
}
