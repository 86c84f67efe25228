package wire

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
)

const (
	// beat is how often each end says that it lives.
	beat = time.Second

	// silence is how long a peer may say nothing before it counts as dead. An
	// idle queue pair never notices that its peer is gone: this does.
	silence = 5 * time.Second

	// queue is how many messages wait in each direction; many times what the
	// engine has in flight.
	queue = 4 * MaxSlots
)

// Stream is one end of a session's gRPC stream.
type Stream[In, Out any] interface {
	Recv() (In, error)
	Send(Out) error
}

// Pipe is a stream with a pulse: it swallows the peer's heartbeats and sends its
// own, and its sends and receives end with a context. Send may be called from
// any goroutine, Recv from one.
type Pipe[In, Out any] struct {
	in     chan In
	out    chan Out
	heard  atomic.Int64 // when the last message came, as time since start
	start  time.Time
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when nothing more will come
	end    error         // why; set before done is closed
	hangUp sync.Once
	quit   chan struct{} // closed by HangUp
}

// NewPipe starts a pipe on s. The context that it returns ends with the stream,
// and its cause says why. beats says what a heartbeat is and makes one. The
// goroutines of the pipe end once the stream ends: on the server, when its
// handler returns.
func NewPipe[In, Out any](ctx context.Context, s Stream[In, Out], isBeat func(In) bool, newBeat func() Out) (*Pipe[In, Out], context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &Pipe[In, Out]{
		in: make(chan In, queue), out: make(chan Out, queue),
		start: time.Now(), cancel: cancel, done: make(chan struct{}), quit: make(chan struct{}),
	}
	go p.receive(ctx, s, isBeat)
	go p.send(ctx, s, newBeat)
	return p, ctx
}

// receive moves messages from the stream to the queue.
func (p *Pipe[In, Out]) receive(ctx context.Context, s Stream[In, Out], isBeat func(In) bool) {
	defer close(p.done)
	for {
		m, err := s.Recv()
		if err != nil {
			p.end = err
			if cause := context.Cause(ctx); cause != nil {
				p.end = cause // the stream ended because this end gave up, or missed the pulse
			}
			p.cancel(p.end)
			return
		}
		p.heard.Store(int64(time.Since(p.start)))
		if isBeat(m) {
			continue
		}
		select {
		case p.in <- m:
		default:
			// Only a peer that ignores the window can fill the queue.
			p.cancel(invalid("messages", errors.New("more of them than it may have in flight")))
			p.end = context.Cause(ctx)
			return
		}
	}
}

// send moves messages from the queue to the stream, and takes the pulse.
func (p *Pipe[In, Out]) send(ctx context.Context, s Stream[In, Out], newBeat func() Out) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		var m Out
		select {
		case m = <-p.out:
		case <-tick.C:
			if quiet := time.Since(p.start) - time.Duration(p.heard.Load()); quiet > silence {
				p.cancel(fault.New(fault.Lost, "waiting for the peer", fmt.Errorf("nothing was heard of it for %v", quiet.Round(time.Second)),
					"see that the host and the network are up, then run the same command again"))
				return
			}
			m = newBeat()
		case <-p.quit:
			if c, ok := s.(interface{ CloseSend() error }); ok {
				_ = c.CloseSend() // Recv says what became of the stream
			}
			return
		case <-ctx.Done():
			return
		}
		if err := s.Send(m); err != nil {
			return // Recv says why
		}
	}
}

// Send queues m. It fails once the stream has ended.
func (p *Pipe[In, Out]) Send(ctx context.Context, m Out) error {
	select {
	case p.out <- m:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.done:
		return p.end
	}
}

// Recv returns the peer's next message; what the stream ended with, io.EOF or a
// status, once all that came before it was returned.
func (p *Pipe[In, Out]) Recv(ctx context.Context) (m In, err error) {
	select {
	case m = <-p.in:
		return m, nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-p.done:
		err = p.end
	}
	select {
	case m = <-p.in: // what came ahead of the end goes first
		return m, nil
	default:
		return m, err
	}
}

// HangUp says that nothing more will be sent, and returns once the peer has
// ended the stream too, or ctx has ended. Only a client calls it.
func (p *Pipe[In, Out]) HangUp(ctx context.Context) {
	p.hangUp.Do(func() { close(p.quit) })
	select {
	case <-p.done:
	case <-ctx.Done():
	}
}
