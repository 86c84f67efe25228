package wire_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

type pipe = wire.Pipe[*pb.SessionRequest, *pb.SessionResponse]

// stream is one end of a gRPC stream whose other end is the test. As with gRPC,
// calls block until the stream's context ends.
type stream struct {
	done   <-chan struct{}
	calls  chan recvd               // what Recv returns
	sent   chan *pb.SessionResponse // what Send was given
	refuse func(*pb.SessionResponse) error
	half   chan struct{} // closed by CloseSend
}

type recvd struct {
	m   *pb.SessionRequest
	err error
}

func (s *stream) Recv() (*pb.SessionRequest, error) {
	select {
	case r := <-s.calls:
		return r.m, r.err
	case <-s.done:
		return nil, context.Canceled
	}
}

func (s *stream) Send(m *pb.SessionResponse) error {
	if s.refuse != nil {
		if err := s.refuse(m); err != nil {
			return err
		}
	}
	select {
	case s.sent <- m:
		return nil
	case <-s.done:
		return context.Canceled
	}
}

func (s *stream) CloseSend() error {
	close(s.half)
	return nil
}

// newPipe makes a pipe on a stream of the test's; room is how much it may send
// before somebody reads it.
func newPipe(t *testing.T, room int) (*pipe, context.Context, *stream) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() { // before the bubble ends
		cancel()
		synctest.Wait()
	})
	s := &stream{done: ctx.Done(), calls: make(chan recvd), sent: make(chan *pb.SessionResponse, room), half: make(chan struct{})}
	p, pctx := wire.NewPipe(ctx, s,
		func(m *pb.SessionRequest) bool { return m.GetHeartbeat() != nil },
		func() *pb.SessionResponse {
			return &pb.SessionResponse{Message: &pb.SessionResponse_Heartbeat{Heartbeat: &pb.Heartbeat{}}}
		})
	return p, pctx, s
}

func finish() *pb.SessionRequest {
	return &pb.SessionRequest{Message: &pb.SessionRequest_Finish{Finish: &pb.Finish{}}}
}

func heartbeat() *pb.SessionRequest {
	return &pb.SessionRequest{Message: &pb.SessionRequest_Heartbeat{Heartbeat: &pb.Heartbeat{}}}
}

func committed() *pb.SessionResponse {
	return &pb.SessionResponse{Message: &pb.SessionResponse_Committed{Committed: &pb.Committed{}}}
}

// within fails if f takes longer than d.
func within(t *testing.T, d time.Duration, f func()) {
	t.Helper()
	begun := time.Now()
	f()
	if took := time.Since(begun); took > d {
		t.Errorf("it took %v, more than %v", took, d)
	}
}

func TestPipeBeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, s := newPipe(t, 100)
		time.Sleep(4500 * time.Millisecond)
		if n := len(s.sent); n != 4 {
			t.Errorf("%d heartbeats in 4.5 s", n)
		}
		if m := <-s.sent; m.GetHeartbeat() == nil {
			t.Errorf("sent %v", m)
		}
	})
}

// A peer that says nothing at all is dead after 5 s: whoever waits is told so.
func TestPipeSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, ctx, _ := newPipe(t, 100)
		within(t, 5*time.Second, func() {
			_, err := p.Recv(t.Context())
			if !errors.Is(err, wire.ErrSilent) {
				t.Errorf("Recv: %v", err)
			}
		})
		if err := p.Send(t.Context(), committed()); !errors.Is(err, wire.ErrSilent) {
			t.Errorf("Send: %v", err)
		}
		if !errors.Is(context.Cause(ctx), wire.ErrSilent) {
			t.Errorf("context: %v", context.Cause(ctx))
		}
	})
}

// Heartbeats keep a pipe alive, and nobody sees them; any message does as well.
func TestPipeStaysAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, ctx, s := newPipe(t, 1000)
		for i := range 20 {
			m := heartbeat()
			if i%2 == 1 {
				m = finish()
			}
			time.Sleep(4 * time.Second)
			s.calls <- recvd{m: m}
		}
		if ctx.Err() != nil {
			t.Fatalf("ended: %v", context.Cause(ctx))
		}
		for range 10 {
			if m, err := p.Recv(t.Context()); err != nil || m.GetFinish() == nil {
				t.Errorf("got %v: %v", m, err)
			}
		}
	})
}

// The pulse is taken although the peer reads nothing, and Send ends with its
// context.
func TestPipePeerNeverReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, ctx, _ := newPipe(t, 0)
		within(t, 2*time.Second, func() {
			limited, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			var err error
			for err == nil {
				err = p.Send(limited, committed())
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Send: %v", err)
			}
		})
		within(t, 5*time.Second, func() { <-ctx.Done() })
		if !errors.Is(context.Cause(ctx), wire.ErrSilent) {
			t.Errorf("ended with %v", context.Cause(ctx))
		}
	})
}

// What came ahead of the end is returned ahead of it.
func TestPipeEndComesLast(t *testing.T) {
	for _, end := range []error{io.EOF, errors.New("broken")} {
		synctest.Test(t, func(t *testing.T) {
			p, ctx, s := newPipe(t, 100)
			for range 50 {
				s.calls <- recvd{m: finish()}
			}
			s.calls <- recvd{err: end}
			synctest.Wait()
			for i := range 50 {
				if m, err := p.Recv(ctx); err != nil || m.GetFinish() == nil {
					t.Fatalf("message %d: %v", i, err)
				}
			}
			for range 2 {
				if _, err := p.Recv(t.Context()); !errors.Is(err, end) {
					t.Errorf("got %v, want %v", err, end)
				}
			}
			if err := p.Send(t.Context(), committed()); !errors.Is(err, end) {
				t.Errorf("Send: %v", err)
			}
		})
	}
}

func TestPipeRecvEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, pctx, _ := newPipe(t, 100)
		why := errors.New("no more time")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
		defer cancel()
		if _, err := p.Recv(ctx); !errors.Is(err, why) {
			t.Errorf("got %v", err)
		}
		if pctx.Err() != nil {
			t.Error("the pipe ended with it")
		}
	})
}

// A message that cannot be sent must not leave both ends waiting.
func TestPipeSendFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, s := newPipe(t, 100)
		why := errors.New("not UTF-8")
		s.refuse = func(*pb.SessionResponse) error { return why }
		if err := p.Send(t.Context(), committed()); err != nil {
			t.Fatal(err)
		}
		within(t, 0, func() {
			if _, err := p.Recv(t.Context()); !errors.Is(err, why) {
				t.Errorf("got %v", err)
			}
		})
	})
}

// Where the stream has ended, its status, which Recv brings, says why.
func TestPipeSendEOF(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, s := newPipe(t, 100)
		s.refuse = func(*pb.SessionResponse) error { return io.EOF }
		_ = p.Send(t.Context(), committed())
		synctest.Wait()
		why := errors.New("status")
		s.calls <- recvd{err: why}
		if _, err := p.Recv(t.Context()); !errors.Is(err, why) {
			t.Errorf("got %v", err)
		}
	})
}

// long is a request of n bytes and a few.
func long(n int) *pb.SessionRequest {
	return &pb.SessionRequest{Message: &pb.SessionRequest_Copy{Copy: &pb.Copy{Targets: []*pb.Target{{Path: bytes.Repeat([]byte{'x'}, n)}}}}}
}

func TestPipeFlood(t *testing.T) {
	big := long(wire.MaxMessage)
	tests := []struct {
		name  string
		m     *pb.SessionRequest
		least int // that have to be taken
		most  int
	}{
		{"many", finish(), 2 * wire.MaxSlots, 10_000},
		{"long", big, 1, 8},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, ctx, s := newPipe(t, 100)
				taken := 0
				for ; ctx.Err() == nil && taken <= tt.most; taken++ {
					select {
					case s.calls <- recvd{m: tt.m}:
					case <-ctx.Done():
					}
					synctest.Wait()
				}
				if fault.CodeOf(context.Cause(ctx)) != fault.Protocol || taken < tt.least {
					t.Errorf("after %d messages: %v", taken, context.Cause(ctx))
				}
			})
		})
	}
}

// A reader that keeps up is no flood, however much comes in all.
func TestPipeReaderKeepsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, s := newPipe(t, 100)
		m := long(wire.MaxMessage / 2)
		for i := range 100 {
			s.calls <- recvd{m: m}
			if _, err := p.Recv(t.Context()); err != nil {
				t.Fatalf("message %d: %v", i, err)
			}
		}
	})
}

// HangUp sends all that was queued, then half-closes, then waits for the peer.
func TestPipeHangUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, s := newPipe(t, 100)
		for range 20 {
			if err := p.Send(t.Context(), committed()); err != nil {
				t.Fatal(err)
			}
		}
		hung := make(chan struct{})
		go func() {
			defer close(hung)
			p.HangUp(t.Context())
		}()
		<-s.half
		if len(s.sent) != 20 {
			t.Errorf("%d of 20 messages were sent", len(s.sent))
		}
		synctest.Wait()
		select {
		case <-hung:
			t.Error("did not wait for the peer")
		default:
		}
		s.calls <- recvd{err: io.EOF}
		<-hung
		p.HangUp(t.Context())
	})
}

// A peer that does not end the stream holds nobody up for longer than ctx.
func TestPipeHangUpEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _, _ := newPipe(t, 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		within(t, time.Second, func() { p.HangUp(ctx) })
	})
}
