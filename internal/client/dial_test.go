package client_test

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// accepting returns the address of what accepts connections and then does act.
func accepting(t *testing.T, act func(c net.Conn)) string {
	t.Helper()
	lis := listen(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			act(c)
			_, _ = io.Copy(io.Discard, c) // until the client hangs up
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = lis.Close(); <-done })
	return lis.Addr().String()
}

// dialFails dials where there is no session to be had.
func dialFails(ctx context.Context, t *testing.T, o client.Options, want fault.Code) fault.Error {
	t.Helper()
	_, err := client.Dial(ctx, o)
	return failsWith(t, err, want)
}

func TestDialNobody(t *testing.T) {
	t.Parallel()
	lis := listen(t)
	closed := lis.Addr().String()
	must(t, lis.Close())
	for _, addr := range []string{closed, "unix:" + filepath.Join(t.TempDir(), "none")} {
		if f := dialFails(t.Context(), t, options(addr, memory.New(memory.Faults{}), transport.Put), fault.Unreachable); f.Host != "there" || f.Fix == "" {
			t.Errorf("%s: poor fault %+v", addr, f)
		}
	}
}

// What takes connections and says nothing holds nobody up for longer than the
// time limit, or than the user has patience.
func TestDialMute(t *testing.T) {
	t.Parallel()
	o := options(accepting(t, func(net.Conn) {}), memory.New(memory.Faults{}), transport.Put)
	o.ConnectTimeout = 100 * time.Millisecond
	within(t, 2*time.Second, func() { dialFails(t.Context(), t, o, fault.ConnectTimeout) })
	o.ConnectTimeout = soon
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(100*time.Millisecond, func() { cancel(errors.New("the user has gone")) })
	within(t, 2*time.Second, func() { dialFails(ctx, t, o, fault.Interrupted) })
}

// A gRPC service that takes the stream and says nothing is as bad.
func TestDialMuteService(t *testing.T) {
	t.Parallel()
	f := &fake{session: linger}
	o := options(serve(t, func(g *grpc.Server) { pb.RegisterTransferServiceServer(g, f) }), memory.New(memory.Faults{}), transport.Put)
	o.ConnectTimeout = 200 * time.Millisecond
	within(t, 3*time.Second, func() { dialFails(t.Context(), t, o, fault.ConnectTimeout) })
}

func TestDialSomethingElse(t *testing.T) {
	t.Parallel()
	fabric := memory.New(memory.Faults{})
	grpcOnly := serve(t, func(*grpc.Server) {})
	dialFails(t.Context(), t, options(grpcOnly, fabric, transport.Put), fault.Version)
	http := accepting(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n"); _ = c.Close() })
	within(t, 2*time.Second, func() { dialFails(t.Context(), t, options(http, fabric, transport.Put), fault.Lost) })
}

// A host's name need not be one that can stand in a URL.
func TestDialOddHost(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"", "fe80::1%eth0", "a b/ü"} {
		o := fakeDaemon(t, transport.Put, nil, linger)
		o.Host = host
		opens(t, dial(t, o))
	}
}

// opens checks that a session is open.
func opens(t *testing.T, s *client.Session) {
	t.Helper()
	if p := s.Peer(); p.Version != "fake" || p.SessionID != "S" || p.Device != "memory/1" || p.LocalDevice != "memory/1" {
		t.Errorf("the peer is %+v", p)
	}
}

// A Welcome that is not what it has to be ends the dialling.
func TestDialBadWelcome(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(w *pb.Welcome)
		want   fault.Code
	}{
		{"version", func(w *pb.Welcome) { w.Protocol = 2 }, fault.Version},
		{"chunk 0", func(w *pb.Welcome) { w.ChunkSize = 0 }, fault.Protocol},
		{"chunk larger than asked for", func(w *pb.Welcome) { w.ChunkSize = chunk + 1 }, fault.Protocol},
		{"no endpoint", func(w *pb.Welcome) { w.Endpoint = nil }, fault.Protocol},
		{"other queue pair", func(w *pb.Welcome) { w.Endpoint.QueuePairs[0].Psn ^= 1 }, fault.Internal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dialFails(t.Context(), t, fakeDaemon(t, transport.Put, tt.change, linger), tt.want)
		})
	}
}

// A Fault in place of the Welcome is told as it is.
func TestDialFault(t *testing.T) {
	t.Parallel()
	want := fault.New(fault.NoDevice, "looking for a device", errors.New("none"), "get one")
	f := &fake{session: func(stream serverStream) error {
		_ = stream.Send(&pb.SessionResponse{Message: &pb.SessionResponse_Fault{Fault: wire.FromFault(want)}})
		return linger(stream)
	}}
	addr := serve(t, func(g *grpc.Server) { pb.RegisterTransferServiceServer(g, f) })
	if got := dialFails(t.Context(), t, options(addr, memory.New(memory.Faults{}), transport.Put), fault.NoDevice); got.Host != "there" || got.Fix != want.Fix {
		t.Errorf("got %+v", got)
	}
}
