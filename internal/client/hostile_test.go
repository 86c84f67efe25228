package client_test

import (
	"context"
	"math"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

func accept(size uint64) *pb.SessionResponse {
	return &pb.SessionResponse{Message: &pb.SessionResponse_Accept{Accept: &pb.Accept{Path: []byte("/x"), Metadata: &pb.Metadata{Size: size, Mode: 0o600}}}}
}

func settled(s ...*pb.Settlement) *pb.SessionResponse {
	return &pb.SessionResponse{Message: &pb.SessionResponse_Settled{Settled: &pb.Settled{Settlements: s}}}
}

func committed() *pb.SessionResponse {
	return &pb.SessionResponse{Message: &pb.SessionResponse_Committed{Committed: &pb.Committed{}}}
}

// A daemon that says what it may not say gets no further: the client fails with
// a fault, in time, and a get leaves nothing.
func TestHostileDaemon(t *testing.T) {
	t.Parallel()
	digest := make([]byte, 16)
	many := make([]*pb.Settlement, 1025)
	for i := range many {
		many[i] = &pb.Settlement{Chunk: uint64(i), Digest: digest}
	}
	tests := []struct {
		name string
		say  []*pb.SessionResponse
		want fault.Code
	}{
		{"nothing in it", []*pb.SessionResponse{{}}, fault.Protocol},
		{"welcome again", []*pb.SessionResponse{{Message: &pb.SessionResponse_Welcome{}}}, fault.Protocol},
		{"committed at once", []*pb.SessionResponse{committed()}, fault.Protocol},
		{"committed early", []*pb.SessionResponse{accept(chunk), committed()}, fault.Protocol},
		{"accept twice", []*pb.SessionResponse{accept(chunk), accept(chunk)}, fault.Protocol},
		{"chunk not offered", []*pb.SessionResponse{accept(chunk), settled(&pb.Settlement{Chunk: 77, Digest: digest})}, fault.Protocol},
		{"chunk 2^63", []*pb.SessionResponse{accept(chunk), settled(&pb.Settlement{Chunk: 1 << 63, Digest: digest})}, fault.Protocol},
		{"no digest", []*pb.SessionResponse{accept(chunk), settled(&pb.Settlement{})}, fault.Protocol},
		{"1025 settlements", []*pb.SessionResponse{accept(chunk), settled(many...)}, fault.Protocol},
		{"fault of no code", []*pb.SessionResponse{{Message: &pb.SessionResponse_Fault{}}}, fault.Internal},
	}
	for _, d := range []transport.Direction{transport.Put, transport.Get} {
		for _, tt := range tests {
			t.Run(d.String()+" "+tt.name, func(t *testing.T) {
				within(t, soon, func() { failsWith(t, hostile(t, d, tt.say), tt.want) })
			})
		}
	}
	// Only a put sees a digest of other bytes at once; only a get is told a size.
	wrong := settled(&pb.Settlement{Digest: digest})
	failsWith(t, hostile(t, transport.Put, []*pb.SessionResponse{accept(0), wrong}), fault.Integrity)
	failsWith(t, hostile(t, transport.Get, []*pb.SessionResponse{accept(math.MaxUint64)}), fault.Protocol)
	again := settled(&pb.Settlement{Digest: digest, Again: true})
	failsWith(t, hostile(t, transport.Get, []*pb.SessionResponse{accept(chunk), again}), fault.Protocol)
	failsWith(t, hostile(t, transport.Put, []*pb.SessionResponse{accept(0), again, again, again, again}), fault.Integrity)
}

// hostile copies one chunk from or to a daemon that says what it is told to, a
// settlement after an offer, and then ends what the client aborts.
func hostile(t *testing.T, d transport.Direction, say []*pb.SessionResponse) error {
	t.Helper()
	s := dial(t, fakeDaemon(t, d, nil, func(stream serverStream) error {
		_ = until(stream, func(m *pb.SessionRequest) bool { return m.GetPut() != nil || m.GetGet() != nil })
		for _, m := range say {
			if m.GetSettled() != nil {
				_ = until(stream, func(m *pb.SessionRequest) bool { return m.GetOffers() != nil || m.GetAbort() != nil })
			}
			_ = stream.Send(m)
		}
		_ = until(stream, func(m *pb.SessionRequest) bool { return m.GetAbort() != nil })
		_ = stream.Send(&pb.SessionResponse{Message: &pb.SessionResponse_Fault{}})
		return linger(stream)
	}))
	if d == transport.Get {
		return get(t, s)
	}
	return put(t.Context(), t, s, 1)
}

// A daemon that never answers an Abort costs little time, and the session.
func TestAbortUnanswered(t *testing.T) {
	t.Parallel()
	s := dial(t, fakeDaemon(t, transport.Put, nil, func(stream serverStream) error {
		_ = stream.Send(accept(0))
		return linger(stream)
	}))
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	failsWith(t, put(ctx, t, s, 1), fault.Timeout) // never sent: nothing to abort
	ctx, cancel = context.WithTimeout(t.Context(), 1e8)
	defer cancel()
	within(t, 5e9, func() { failsWith(t, put(ctx, t, s, 1), fault.Timeout) })
	within(t, 1e9, func() { failsWith(t, put(t.Context(), t, s, 1), fault.Interrupted) })
}

// A daemon that falls silent in the middle is dead after 5 s.
func TestSilentDaemon(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes the 5 s after which silence is death")
	}
	s := dial(t, fakeDaemon(t, transport.Put, nil, func(stream serverStream) error {
		_ = stream.Send(accept(0))
		return until(stream, func(*pb.SessionRequest) bool { return false })
	}))
	within(t, soon, func() { failsWith(t, put(t.Context(), t, s, 1), fault.Lost) })
}

// A daemon that ends the session in the middle, with a status or without.
func TestDaemonEndsSession(t *testing.T) {
	t.Parallel()
	s := dial(t, fakeDaemon(t, transport.Put, nil, func(stream serverStream) error {
		_ = until(stream, func(m *pb.SessionRequest) bool { return m.GetPut() != nil })
		return stream.Send(accept(0))
	}))
	for range 2 {
		if f := failsWith(t, put(t.Context(), t, s, 1), fault.Lost); f.Host != "there" || f.Fix == "" {
			t.Errorf("poor fault %+v", f)
		}
	}
}
