package server

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/token"
	"github.com/rdmacp/rdmacp/internal/trace"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// Config configures a Server.
type Config struct {
	Exports     []Export
	Limits      []Limit
	Fabric      transport.Fabric
	Device      string // RDMA device, or device/port; empty: the one that reaches the client
	Version     string // of this daemon, for messages
	Logger      *slog.Logger
	ChunkSize   int      // bytes; the most that a client gets
	Slots       int      // chunks in flight for each session; each costs ChunkSize of pinned memory
	MaxSessions int      // at once
	MaxClient   int      // the same of one client; 0: as many as of all
	Operators   []string // who may see what all clients do: patterns, as mtls.Match has them

	SessionIdle  time.Duration // how long a session may go on without a copy; 0: sessionIdle
	StallTimeout time.Duration // how long a copy may stand still in which it is the client's turn; 0: for ever

	Anchors func() []*x509.Certificate // by which the holders of tokens know this daemon; nil without TLS: there are none
	Traces  *trace.Tracer              // nil: none are sent
	Took    func(Way, time.Duration)   // is told how long each transfer has taken, and is not to wait; may be nil
	Checks  func() []wire.Check        // what keeps copies from going well on this host; nil: nobody looks
}

// Server serves the services of rdmacp.v1 and health.
type Server struct {
	pb.UnimplementedTransferServiceServer
	pb.UnimplementedStatusServiceServer

	config   Config
	log      *slog.Logger
	shared   shared
	grpc     *grpc.Server
	health   *health.Server
	sessions *gate
	books    *books
	paces    paces
	tokens   *token.Table[*export]
	stop     chan struct{} // closed when sessions have to end
	cut      func()        // closes stop
	draining chan struct{} // closed when nobody is to come any more
	leave    func()        // closes draining
	watchers chan struct{} // one for each
	trying   chan struct{} // has who tries a disk
	begun    time.Time
}

// What a peer may cost before it has said anything worth it, and how the death
// of an idle connection is noticed; see docs/design.md.
const (
	maxStreams        = 64
	maxHeaders        = 16 << 10
	connectionTimeout = 5 * time.Second
	connectionIdle    = 30 * time.Second // rdmacp opens its session at once
	keepaliveTime     = 20 * time.Second
	keepaliveTimeout  = 5 * time.Second
)

// New opens the exports and makes a server of them.
func New(c Config) (*Server, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	exports, err := openExports(c.Exports)
	if err != nil {
		return nil, err
	}
	s := &Server{
		config: c, log: c.Logger, shared: shared{exports: exports, limits: c.Limits}, health: health.NewServer(),
		sessions: newGate(c.MaxSessions, c.MaxClient), books: newBooks(c.Took), tokens: token.New[*export](), stop: make(chan struct{}),
		draining: make(chan struct{}), watchers: make(chan struct{}, maxWatchers), trying: make(chan struct{}, 1), begun: time.Now(),
		grpc: grpc.NewServer(
			grpc.Creds(mtls.Credentials()),
			grpc.ChainUnaryInterceptor(catchUnary(c.Logger), permitUnary),
			grpc.ChainStreamInterceptor(catchStream(c.Logger), permitStream),
			grpc.MaxConcurrentStreams(maxStreams),
			grpc.MaxRecvMsgSize(wire.MaxMessage),
			grpc.MaxHeaderListSize(maxHeaders),
			grpc.ConnectionTimeout(connectionTimeout),
			grpc.KeepaliveParams(keepalive.ServerParameters{Time: keepaliveTime, Timeout: keepaliveTimeout, MaxConnectionIdle: connectionIdle}),
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: connectionTimeout, PermitWithoutStream: true}),
			grpc.WaitForHandlers(true),
		),
	}
	s.cut = sync.OnceFunc(func() { close(s.stop) })
	s.leave = sync.OnceFunc(func() { close(s.draining) })
	pb.RegisterTransferServiceServer(s.grpc, s)
	pb.RegisterStatusServiceServer(s.grpc, s)
	healthpb.RegisterHealthServer(s.grpc, s.health)
	s.health.SetServingStatus(pb.TransferService_ServiceDesc.ServiceName, healthpb.HealthCheckResponse_SERVING)
	return s, nil
}

// Serve serves lis until Drain or Close. It may be called for several listeners.
func (s *Server) Serve(lis net.Listener) error {
	if err := s.grpc.Serve(lis); !errors.Is(err, grpc.ErrServerStopped) {
		return err
	}
	return nil
}

// Idle is for how long no session has been open.
func (s *Server) Idle() time.Duration { return s.sessions.idle() }

// farewell is how long sessions that were cut have to clean up and to tell their
// clients why, and whatever else clients do (to watch the health, say) to end.
const farewell = 2 * time.Second

// Drain refuses new sessions and waits for those that run; when ctx ends it cuts
// them. Transfers that are cut leave nothing behind. The server serves no more
// when Drain returns.
func (s *Server) Drain(ctx context.Context) {
	s.health.Shutdown()
	s.leave()
	graceful := make(chan struct{})
	go func() {
		defer close(graceful)
		s.grpc.GracefulStop()
	}()
	select {
	case <-s.sessions.close():
	case <-ctx.Done():
		s.cut()
	}
	select {
	case <-graceful:
	case <-time.After(farewell):
	}
	s.grpc.Stop() // waits for the handlers that still run
	<-graceful
}

// Close cuts every session, waits until they have ended, and closes the exports.
func (s *Server) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.cut()
	s.Drain(ctx)
	return errors.Join(s.tokens.Close(), s.shared.close())
}

// Guests are the holders of the tokens that the server has given.
func (s *Server) Guests() mtls.Guests { return s.tokens }
