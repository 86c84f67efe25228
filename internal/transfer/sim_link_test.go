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
	batch  *transfer.Batch
	fault  error // the fault by which the sender ended the transfer
	finish bool  // the client's Finish, the daemon's Committed
	due    time.Time
}

// channel is one way of a control link.
type channel struct {
	queue chan message
	sent  *atomic.Uint64 // messages so far
	last  *atomic.Bool   // whether the sender's last word has come
}

func newChannel(n int) channel {
	return channel{make(chan message, n), new(atomic.Uint64), new(atomic.Bool)}
}

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
	owing int // offers that are not settled
	most  int // the most that it ever was
	long  int // segments in the longest bundle
}

var errStreamGone = fault.New(fault.Lost, "talking to the other end", errors.New("stream reset"), "run the same command again")

func newLink(s scenario, onCut func()) *controlLink {
	return &controlLink{
		s: s, onCut: onCut, cut: make(chan struct{}),
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

// delay is how long the n-th message of a channel travels.
func (l *controlLink) delay(to channel) time.Duration {
	n := to.sent.Add(1) * 2
	if to.queue == l.toClient.queue {
		n++
	}
	rng := rand.New(rand.NewPCG(l.s.seed, n))
	return time.Duration(1 + rng.Int64N(int64(l.s.wire.Delay)))
}

func (l *controlLink) send(ctx context.Context, to channel, m message) error {
	if l.steps.Add(1) == l.s.linkCut {
		l.breakDown()
	}
	m.due = time.Now().Add(l.delay(to))
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

// linkEnd is one end of the link.
type linkEnd struct {
	*controlLink
	out, in channel
}

func (l *controlLink) clientEnd() linkEnd { return linkEnd{l, l.toDaemon, l.toClient} }
func (l *controlLink) daemonEnd() linkEnd { return linkEnd{l, l.toClient, l.toDaemon} }

// Send sends.
func (l linkEnd) Send(ctx context.Context, b transfer.Batch) error {
	l.owe(len(b.Offers))
	for _, o := range b.Offers {
		l.mu.Lock()
		l.long = max(l.long, len(o.Segments))
		l.mu.Unlock()
	}
	return l.send(ctx, l.out, message{batch: &b})
}

// Recv receives.
func (l linkEnd) Recv(ctx context.Context) (transfer.Batch, error) {
	m, err := l.receive(ctx, l.in)
	switch {
	case err != nil:
		return transfer.Batch{}, err
	case m.finish:
		return transfer.Batch{}, io.EOF
	}
	l.owe(-len(m.batch.Settled))
	return *m.batch, nil
}
