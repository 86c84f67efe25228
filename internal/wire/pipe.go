package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/rdmacp/rdmacp/internal/fault"
)

const (
	// beat is how often each end says that it lives.
	beat = time.Second

	// silence is how long a peer may say nothing before it counts as dead. An
	// idle queue pair never notices that its peer is gone: this does.
	silence = 5 * time.Second

	// queue is how many messages wait in each direction, and maxQueued how many
	// bytes of the peer's: more than an engine has in flight, which tells of
	// entries of 1 MiB ahead of their verdicts.
	queue     = 4 * MaxSlots
	maxQueued = 2 << 20
)

// ErrSilent ends a pipe whose peer says nothing.
var ErrSilent = errors.New("nothing was heard of the other end")

// Stream is one end of a session's gRPC stream.
type Stream[In, Out any] interface {
	Recv() (In, error)
	Send(Out) error
}

// Pipe is a stream with a pulse: it swallows the peer's heartbeats and sends its
// own, and its sends and receives end with a context, with the stream, and with
// the peer's silence. Send may be called from any goroutine, Recv from one.
type Pipe[In, Out proto.Message] struct {
	in     chan sized[In]
	out    chan Out
	queued atomic.Int64 // bytes that wait in in
	heard  atomic.Int64 // when the last message came, as time since start
	start  time.Time
	cancel context.CancelCauseFunc
	over   <-chan struct{} // closed when nothing more will come
	why    func() error    // why; nil as long as over is open
	hangUp sync.Once
	quit   chan struct{} // closed by HangUp
}

// sized is a message with its size in bytes, which takes a walk over all that is in it.
type sized[M any] struct {
	message M
	size    int64
}

// NewPipe starts a pipe on s. The context that it returns ends with the stream,
// and its cause says why. isBeat knows a heartbeat, and newBeat makes one. The
// goroutines of the pipe end once the stream ends: on the server, when its
// handler returns; on the client, when the stream's context is cancelled.
func NewPipe[In, Out proto.Message](ctx context.Context, s Stream[In, Out], isBeat func(In) bool, newBeat func() Out) (*Pipe[In, Out], context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &Pipe[In, Out]{
		in: make(chan sized[In], queue), out: make(chan Out, queue),
		start: time.Now(), cancel: cancel, quit: make(chan struct{}),
		over: ctx.Done(), why: func() error { return context.Cause(ctx) },
	}
	go p.guarded(func() { p.receive(s, isBeat) })
	go p.guarded(func() { p.send(s, newBeat) })
	go p.guarded(p.watch)
	return p, ctx
}

// guarded runs one of the pipe's goroutines: a panic in it ends the pipe.
func (p *Pipe[In, Out]) guarded(f func()) {
	var err error
	defer func() {
		if err != nil {
			p.cancel(err)
		}
	}()
	defer fault.Caught(&err, "talking to the other end")
	f()
}

// receive moves messages from the stream to the queue.
func (p *Pipe[In, Out]) receive(s Stream[In, Out], isBeat func(In) bool) {
	for {
		m, err := s.Recv()
		if err != nil {
			p.cancel(err) // unless this end gave up before
			return
		}
		p.heard.Store(int64(time.Since(p.start)))
		if isBeat(m) {
			continue
		}
		if !p.put(m) {
			p.cancel(invalid("messages", errors.New("more of them than it may have in flight")))
			return
		}
	}
}

// put queues a message of the peer's. Only a peer that ignores the window can
// fill the queue.
func (p *Pipe[In, Out]) put(m In) bool {
	size := int64(proto.Size(m))
	if p.queued.Add(size) > maxQueued {
		return false
	}
	select {
	case p.in <- sized[In]{m, size}:
		return true
	default:
		return false
	}
}

// send moves messages from the queue to the stream, and a heartbeat each second.
func (p *Pipe[In, Out]) send(s Stream[In, Out], newBeat func() Out) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		var m Out
		select {
		case m = <-p.out:
		case <-tick.C:
			m = newBeat()
		case <-p.quit:
			p.sayGoodbye(s)
			return
		case <-p.over:
			return
		}
		if !p.say(s, m) {
			return
		}
	}
}

// say sends m. What keeps a message from being sent ends the pipe, lest both
// ends wait for each other; io.EOF leaves it to Recv to say why.
func (p *Pipe[In, Out]) say(s Stream[In, Out], m Out) bool {
	err := s.Send(m)
	if err != nil && !errors.Is(err, io.EOF) {
		p.cancel(err)
	}
	return err == nil
}

// sayGoodbye sends what is queued still, and then no more.
func (p *Pipe[In, Out]) sayGoodbye(s Stream[In, Out]) {
	for {
		select {
		case m := <-p.out:
			if !p.say(s, m) {
				return
			}
		default:
			if c, ok := s.(interface{ CloseSend() error }); ok {
				_ = c.CloseSend() // Recv says what became of the stream
			}
			return
		}
	}
}

// watch takes the pulse. It is no business of send's, which a peer that reads
// nothing can hold up. It counts beats that passed without a message, and not
// the time since the last: an end that was stalled itself, as on a host that is
// out of CPU, has not read yet what came meanwhile, and a ticker gives it one
// tick for all of that time.
func (p *Pipe[In, Out]) watch() {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	var last int64
	for missed := time.Duration(0); ; {
		select {
		case <-tick.C:
			heard := p.heard.Load()
			if heard != last {
				last, missed = heard, 0
				continue
			}
			if missed += beat; missed >= silence {
				quiet := time.Since(p.start) - time.Duration(heard)
				p.cancel(fmt.Errorf("%w for %v", ErrSilent, quiet.Round(time.Second)))
				return
			}
		case <-p.over:
			return
		}
	}
}

// Send queues m. It fails once the stream or ctx has ended.
func (p *Pipe[In, Out]) Send(ctx context.Context, m Out) error {
	select {
	case <-p.over:
		return p.why()
	case <-ctx.Done():
		return context.Cause(ctx)
	default:
	}
	select {
	case p.out <- m:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.over:
		return p.why()
	}
}

// Recv returns the peer's next message; what the stream ended with, io.EOF or a
// status, once all that came before it was returned.
func (p *Pipe[In, Out]) Recv(ctx context.Context) (none In, err error) {
	select {
	case m := <-p.in:
		return p.take(m), nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-p.over:
		err = p.why()
	}
	select {
	case m := <-p.in: // what came ahead of the end goes first
		return p.take(m), nil
	default:
		return none, err
	}
}

// take accounts for a message that leaves the queue.
func (p *Pipe[In, Out]) take(m sized[In]) In {
	p.queued.Add(-m.size)
	return m.message
}

// HangUp says that nothing more will be sent, and returns once the peer has
// ended the stream too, or ctx has ended. Only a client calls it.
func (p *Pipe[In, Out]) HangUp(ctx context.Context) {
	p.hangUp.Do(func() { close(p.quit) })
	select {
	case <-p.over:
	case <-ctx.Done():
	}
}
