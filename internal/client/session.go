package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"google.golang.org/grpc"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// Options configure a session.
type Options struct {
	Address        string // HOST:PORT, or unix:PATH
	Host           string // as the user named it, for messages
	Fabric         transport.Fabric
	Direction      transport.Direction // of every transfer in the session
	Device         string              // RDMA device, or device/port; empty: the one that reaches the host
	ChunkSize      int                 // bytes; the daemon may choose less
	Slots          int                 // chunks in flight; each costs ChunkSize of pinned memory
	QPs            int                 // queue pairs; 0: the fabric's choice
	ConnectTimeout time.Duration       // for all that comes ahead of the first transfer
	Version        string              // of this client, for messages
	Logger         *slog.Logger
}

// Peer says who is at the two ends of a session, as a person would.
type Peer struct {
	Version     string // the daemon's release
	SessionID   string // as in the daemon's log
	Device      string // the daemon's RDMA device and port
	LocalDevice string // this end's
}

type pipe = wire.Pipe[*pb.SessionResponse, *pb.SessionRequest]

// Session is an open session. It runs one transfer at a time.
type Session struct {
	options Options
	conn    *grpc.ClientConn
	pipe    *pipe
	cancel  context.CancelFunc
	lender  transport.Lender
	peer    Peer
	chunk   int // bytes, agreed
}

// Dial connects to a daemon and sets the data path up. Its errors are faults.
func Dial(ctx context.Context, o Options) (*Session, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	dialCtx, cancel := context.WithTimeoutCause(ctx, o.ConnectTimeout, noAnswer(o))
	defer cancel()
	raw, conn, err := dial(dialCtx, o)
	if err != nil {
		return nil, err
	}
	s := &Session{options: o, conn: conn}
	// The stream outlives the time limit of dialling, and ends with Close.
	streamCtx, cancelStream := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancelStream
	stream, err := pb.NewTransferServiceClient(conn).Session(streamCtx)
	if err == nil {
		s.pipe, _ = wire.NewPipe(streamCtx, stream,
			func(m *pb.SessionResponse) bool { return m.GetHeartbeat() != nil },
			func() *pb.SessionRequest {
				return &pb.SessionRequest{Message: &pb.SessionRequest_Heartbeat{Heartbeat: &pb.Heartbeat{}}}
			})
		err = s.open(dialCtx, localAddr(raw), remoteAddr(raw))
	}
	if err != nil {
		return nil, errors.Join(s.explain(err), s.Close())
	}
	return s, nil
}

// open shakes hands: Hello with this end's queue pairs, Welcome with the
// daemon's, Ready.
func (s *Session) open(ctx context.Context, local, remote netip.Addr) error {
	o := s.options
	pending, err := o.Fabric.PrepareLender(ctx, transport.Setup{
		Device: o.Device, Local: local, Peer: remote,
		Direction: o.Direction, ChunkSize: o.ChunkSize, Slots: o.Slots, QPs: o.QPs,
	})
	if err != nil {
		return err
	}
	welcome, err := s.shake(ctx, pending.Endpoint())
	if err != nil {
		return errors.Join(err, pending.Close())
	}
	if s.lender, err = pending.Connect(ctx, welcome.Endpoint); err != nil {
		return err
	}
	s.chunk = welcome.ChunkSize
	s.peer = Peer{Version: welcome.Version, SessionID: welcome.Session, Device: welcome.Endpoint.Device, LocalDevice: pending.Endpoint().Device}
	o.Logger.Debug("session open", "session", s.peer.SessionID, "device", s.peer.LocalDevice, "peer_device", s.peer.Device, "chunk_size", s.chunk)
	return s.pipe.Send(ctx, &pb.SessionRequest{Message: &pb.SessionRequest_Ready{Ready: &pb.Ready{}}})
}

// shake sends Hello and returns the daemon's Welcome.
func (s *Session) shake(ctx context.Context, e transport.Endpoint) (wire.Welcome, error) {
	chunk := min(s.options.ChunkSize, int(min(e.MaxMessage, wire.MaxChunk)))
	err := s.pipe.Send(ctx, &pb.SessionRequest{Message: &pb.SessionRequest_Hello{Hello: wire.FromHello(wire.Hello{
		Version: s.options.Version, Endpoint: e, Direction: s.options.Direction, ChunkSize: chunk, Slots: s.options.Slots,
	})}})
	if err != nil {
		return wire.Welcome{}, err
	}
	m, err := s.pipe.Recv(ctx)
	if err != nil {
		return wire.Welcome{}, err
	}
	if m.GetWelcome() == nil {
		return wire.Welcome{}, fault.New(fault.Protocol, "opening the session", fmt.Errorf("the daemon said %T instead of Welcome", m.GetMessage()), "")
	}
	return wire.ToWelcome(m.GetWelcome(), chunk, s.options.Version)
}

// Peer says who is at the two ends.
func (s *Session) Peer() Peer { return s.peer }

// hangUpLimit bounds the wait for the daemon's goodbye.
const hangUpLimit = time.Second

// Close ends the session and takes back what was lent. The daemon goes first, so
// that it does not find the memory gone while it still works on it. Close may be
// called again.
func (s *Session) Close() error {
	if s.pipe != nil {
		ctx, cancel := context.WithTimeout(context.Background(), hangUpLimit)
		s.pipe.HangUp(ctx)
		cancel()
	}
	var errs []error
	if s.lender != nil {
		errs = append(errs, s.lender.Close())
	}
	s.cancel()
	if err := s.conn.Close(); err != nil && !errors.Is(err, grpc.ErrClientConnClosing) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// explain adds where it happened, and makes a fault of what is none.
func (s *Session) explain(err error) error { return toFault(err, s.options.Host) }

// localAddr is this end's address of the control connection, if it has one.
func localAddr(c net.Conn) netip.Addr { return ipOf(c.LocalAddr()) }

// remoteAddr is the daemon's.
func remoteAddr(c net.Conn) netip.Addr { return ipOf(c.RemoteAddr()) }

func ipOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// goodbye is what the end of the stream means where a message was due.
func goodbye(err error) error {
	if errors.Is(err, io.EOF) {
		return fault.New(fault.Lost, "waiting for the daemon", errors.New("it ended the session"), "see its log")
	}
	return err
}
