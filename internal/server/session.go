package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/trace"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/rails"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// setupLimit bounds everything ahead of the first transfer.
const setupLimit = 8 * time.Second

type pipe = wire.Pipe[*pb.SessionRequest, *pb.SessionResponse]

// session is one client's stream and its end of the data path.
type session struct {
	server  *Server
	fabric  transport.Fabric
	pipe    *pipe
	log     *slog.Logger
	who     []string // the client's names
	hello   wire.Hello
	driver  transport.Driver
	chunk   int // bytes, agreed
	slots   int // bundles in flight, agreed
	cancel  context.CancelCauseFunc
	joins   sync.WaitGroup // rails that are made
	joining atomic.Bool
	carried carriers
	waited  atomic.Int64 // nanoseconds, for limits of the rate, over all chunks
	failed  bool         // the last transfer; what its client had said by then may still come
	turn    turn         // in a transfer: whose it is
}

// Session serves one session: handshake, then transfers until the client ends
// the stream. When it returns, the data path is gone.
func (s *Server) Session(stream grpc.BidiStreamingServer[pb.SessionRequest, pb.SessionResponse]) (err error) {
	defer func() { err = toStatus(err) }()
	leave, err := s.sessions.enter(clientOf(stream.Context()))
	if err != nil {
		s.books.refuse(err)
		return err
	}
	defer func() {
		leave()
		s.closeOld()
	}()
	p, ctx := wire.NewPipe(stream.Context(), stream,
		func(m *pb.SessionRequest) bool { return m.GetHeartbeat() != nil },
		func() *pb.SessionResponse {
			return &pb.SessionResponse{Message: &pb.SessionResponse_Heartbeat{Heartbeat: &pb.Heartbeat{}}}
		})
	ctx, cancel := s.untilStopped(ctx)
	defer cancel(context.Canceled)
	ctx, end := s.traced(ctx)
	defer func() { end(endOf(err)) }()
	id := rand.Text()[:8]
	who := whoOf(ctx)
	ss := &session{server: s, pipe: p, who: who, cancel: cancel, log: trace.Log(ctx, s.log.With(
		slog.String("session", id), slog.String("peer", peerAddr(ctx)), slog.String("identity", strings.Join(who, ","))))}
	trace.Set(ctx, slog.String("session", id))
	begun := time.Now()
	defer func() { ss.ended(begun, err) }()
	return ss.run(ctx, id)
}

// run opens the session and serves it. A panic ends it, and no other; the data path is
// gone by then, whatever was under way.
func (ss *session) run(ctx context.Context, id string) (err error) {
	defer fault.Caught(&err, "serving the session")
	defer func() {
		if ss.driver == nil {
			return
		}
		if err := ss.driver.Close(); err != nil {
			ss.log.Error("closing the data path failed", slog.Any("error", err))
		}
		ss.joins.Wait() // a rail that comes now finds no room
	}()
	if err := ss.open(ctx, id); err != nil {
		return err
	}
	return ss.serve(ctx)
}

// untilStopped returns a context that ends when the server cuts its sessions.
func (s *Server) untilStopped(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-s.stop:
			cancel(fault.New(fault.Interrupted, "serving the session", errors.New("the daemon is being stopped"), "run the same command again once it is back"))
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// ended writes the session's last log line. A client that leaves before it has asked for
// anything, as one does that finds no RDMA device on its own host, had none.
func (ss *session) ended(begun time.Time, err error) {
	if ss.hello.Direction == 0 && toStatus(err) == nil {
		ss.log.Debug("the client left without a Hello")
		return
	}
	tellStack(ss.log, err)
	ss.server.books.close(ss, err)
	attrs := []any{slog.Float64("seconds", time.Since(begun).Seconds())}
	if ss.driver != nil {
		stats := ss.stats()
		attrs = append(attrs, slog.Uint64("bytes", stats.Bytes), slog.Uint64("chunks", stats.Chunks))
	}
	if toStatus(err) == nil {
		ss.log.Info("session ended", attrs...)
		return
	}
	ss.log.Warn("session failed", append(attrs, slog.Any("error", err))...)
}

// open shakes hands: the client's Hello, this end's queue pairs, Welcome, and
// the client's Ready.
func (ss *session) open(ctx context.Context, id string) (err error) {
	_, end := trace.Begin(ctx, "connect")
	defer func() { end(endOf(err)) }()
	ctx, cancel := context.WithTimeoutCause(ctx, setupLimit,
		fault.New(fault.Timeout, "opening the session", fmt.Errorf("it took longer than %v", setupLimit), "the client's host may be busy, or have pinned much memory: a smaller --chunk-size or fewer --slots help"))
	defer cancel()
	m, err := ss.pipe.Recv(ctx)
	if err != nil {
		return err
	}
	if m.GetHello() == nil {
		return outOfTurn("opening the session", m)
	}
	if ss.hello, err = wire.ToHello(m.GetHello(), ss.server.config.Version); err != nil {
		return err
	}
	endpoint, err := ss.connect(ctx)
	if err != nil {
		return err
	}
	err = ss.pipe.Send(ctx, &pb.SessionResponse{Message: &pb.SessionResponse_Welcome{Welcome: wire.FromWelcome(wire.Welcome{
		Version: ss.server.config.Version, Endpoint: endpoint, ChunkSize: ss.chunk, Session: id, Encrypted: ss.hello.Encrypt,
	})}})
	if err == nil {
		m, err = ss.pipe.Recv(ctx)
	}
	if err == nil && m.GetReady() == nil {
		err = outOfTurn("opening the session", m)
	}
	if err != nil {
		return errors.Join(err, ss.driver.Close())
	}
	ss.server.books.open(ss, Live{
		ID: id, Peer: peerAddr(ctx), Identity: ss.who, Way: Way{endpoint.Kind.String(), ss.hello.Direction.String()}, Device: endpoint.Device, Since: time.Now(),
	}, reasonOf(ss.hello))
	trace.Set(ctx, slog.String("direction", ss.hello.Direction.String()), slog.String("transport", endpoint.Kind.String()), slog.Int("rails", endpoint.Rails()),
		slog.Int("chunk_size", ss.chunk), slog.Bool("fell_back", ss.hello.Fallback != ""))
	ss.log.Info("session open", slog.String("direction", ss.hello.Direction.String()), slog.String("client_version", ss.hello.Version),
		slog.String("transport", endpoint.Kind.String()), slog.String("device", endpoint.Device), slog.String("client_device", ss.hello.Endpoint.Device),
		slog.Int("chunk_size", ss.chunk), slog.Int("connections", endpoint.Width()), slog.Bool("encrypted", encrypted(ctx) && (ss.hello.Encrypt || endpoint.Kind == transport.TCP)), slog.String("fallback", ss.hello.Fallback))
	return nil
}

// connect makes this end of the data path.
func (ss *session) connect(ctx context.Context) (transport.Endpoint, error) {
	c := ss.server.config
	ss.chunk = min(c.ChunkSize, ss.hello.ChunkSize, int(min(ss.hello.Endpoint.MaxMessage, wire.MaxChunk)))
	ss.slots = min(c.Slots, ss.hello.Slots)
	if err := ss.seal(ctx); err != nil {
		return transport.Endpoint{}, err
	}
	pending, err := rails.PrepareDriver(ctx, ss.rails(ctx), ss.dropped)
	if err != nil {
		return transport.Endpoint{}, err
	}
	ss.chunk = min(ss.chunk, int(min(pending.Endpoint().MaxMessage, wire.MaxChunk)))
	ss.driver, err = pending.Connect(ctx, ss.hello.Endpoint)
	if err != nil {
		return transport.Endpoint{}, err
	}
	return pending.Endpoint(), nil // without the rails that could not be connected
}

// recv returns the client's next word on a transfer.
func (ss *session) recv(ctx context.Context) (*pb.SessionRequest, error) {
	for {
		m, err := ss.pipe.Recv(ctx)
		if err != nil || m.GetRail() == nil {
			return m, err
		}
		if err := ss.join(ctx, m.GetRail()); err != nil {
			return nil, err
		}
	}
}

// serve runs the client's transfers, one after another.
func (ss *session) serve(ctx context.Context) error {
	for {
		m, err := ss.next(ctx)
		if err != nil {
			return err
		}
		switch r := m.GetMessage().(type) {
		case *pb.SessionRequest_Copy:
			err = ss.copy(ctx, r.Copy)
		default:
			if ss.stale(m) {
				continue
			}
			return outOfTurn("waiting for a transfer", m)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		ss.failed = err != nil
		if err == nil {
			continue
		}
		if fault.Panicked(err) {
			return err // who knows what it has left behind in this session
		}
		ss.log.Warn("transfer failed", slog.Any("error", err))
		if err := ss.pipe.Send(ctx, &pb.SessionResponse{Message: &pb.SessionResponse_Fault{Fault: wire.FromFault(err)}}); err != nil {
			return err
		}
	}
}

// stale reports whether m can be what was under way when a transfer ended:
// nobody waits for it.
func (ss *session) stale(m *pb.SessionRequest) bool {
	return m.GetAbort() != nil || ss.failed && (m.GetBatch() != nil || m.GetFinish() != nil)
}

// outOfTurn is the fault of a client that says something that is not its turn to
// say.
func outOfTurn(what string, m *pb.SessionRequest) error {
	return fault.New(fault.Protocol, what, fmt.Errorf("the client said %s, which has no place here", wire.Said(m)),
		"this is a bug of the client's, or it is not rdmacp")
}

// peerAddr is the client's address, for the log.
func peerAddr(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok {
		return p.Addr.String()
	}
	return "unknown"
}

// clientOf tells clients apart: by who they are, wherever they come from; who has not proved
// that, or has no name, by host.
func clientOf(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	if info, ok := p.AuthInfo.(mtls.Peer); ok && info.TLS && len(info.Names) > 0 {
		return strings.Join(info.Names, " ")
	}
	host := p.Addr.String()
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return "from " + host
}

// localAddr is the address that the client reached this host by.
func localAddr(ctx context.Context) netip.Addr {
	p, ok := peer.FromContext(ctx)
	if !ok || p.LocalAddr == nil {
		return netip.Addr{}
	}
	if tcp, ok := p.LocalAddr.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
