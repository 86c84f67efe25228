package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/trace"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/rails"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// Options configure a session.
type Options struct {
	Address        string // HOST:PORT, or unix:PATH
	Host           string // as the user named it, for messages
	Fabric         transport.Fabric
	Transport      transport.Kind      // which it has to be; 0: RDMA, and TCP where there is none
	NoRDMA         *fault.Error        // why it is TCP, where RDMA would have been liked better
	Direction      transport.Direction // of every transfer in the session
	Device         string              // RDMA device, or device/port; empty: the one that reaches the host
	ChunkSize      int                 // bytes; the daemon may choose less
	Slots          int                 // bundles in flight; each costs ChunkSize of pinned memory
	LeastSlots     int                 // the same, where less memory may be pinned at an end; 0: no fewer
	QPs            int                 // queue pairs of a rail, or TCP connections; 0: the fabric's choice
	Rails          int                 // most rails; 0: as many as there are between the two hosts
	ConnectTimeout time.Duration       // for all that comes ahead of the first transfer
	Unverified     bool                // no digests of what is moved are computed
	ZeroCopy       bool                // the session fails where a CPU would have to copy payload
	Encrypt        bool                // what is moved has to be encrypted on the way; it takes TLS
	Narrow         bool                // TCP sends short packets, both ways: longer ones may be dropped on the way
	Version        string              // of this client, for messages
	TLS            *mtls.Store         // this end's credentials; nil: without TLS
	Logger         *slog.Logger
}

// Peer says who is at the two ends of a session, as a person would.
type Peer struct {
	Version     string // the daemon's release
	SessionID   string // as in the daemon's log
	Device      string // the daemon's RDMA device and port, or its address
	LocalDevice string // this end's
	ChunkSize   int    // bytes, agreed
	Rails       int    // that are used

	Ends *Ends // of the data path; nil: there is none

	Transport transport.Kind // what the bytes travel by
	Encrypted bool           // on the way
	NoRDMA    *fault.Error   // why it is not RDMA; nil where it is, or was not wanted
}

// Ends are the two ends of a data path.
type Ends struct{ Here, There transport.Endpoint }

type pipe = wire.Pipe[*pb.SessionResponse, *pb.SessionRequest]

// Session is an open session. It runs one transfer at a time.
type Session struct {
	options Options
	raw     net.Conn
	fabric  transport.Fabric
	conn    *grpc.ClientConn
	pipe    *pipe
	cancel  context.CancelFunc // ends the stream
	lender  *book

	railMu  sync.Mutex
	setups  []transport.Setup                  // by rail
	lost    []string                           // devices
	back    []string                           // those of them that came back
	joining *joining                           // what the daemon was asked for; nil: nothing
	again   func(rail int, rest time.Duration) // mends a rail, later
	menders sync.WaitGroup
	peer    Peer
	chunk   int // bytes, agreed

	ended bool  // the daemon has had its last word on the transfer
	spent error // why there can be no more transfers

	closing sync.Once
	closed  error
}

// Dial connects to a daemon and sets the data path up. Its errors are faults.
//
// Where Options leave the transport open, it tries RDMA, and if an end has no device for
// that, or may not pin the least memory for it, or the two do not reach one another, TCP in
// another session, unless copies by a CPU are not wanted: TCP cannot do without.
func Dial(ctx context.Context, o Options) (*Session, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Encrypt && !o.secured() {
		return nil, at(o.Host, noKey())
	}
	deadline := time.Now().Add(o.ConnectTimeout)
	if o.Transport != 0 {
		return openPinned(ctx, o, deadline, o.NoRDMA)
	}
	o.Transport = transport.RDMA
	s, err := openPinned(ctx, o, deadline, nil)
	why, ok := fault.As(err)
	if !ok || why.Code != fault.NoDevice && why.Code != fault.Path && why.Code != fault.Memlock || o.ZeroCopy {
		return s, err
	}
	o.Transport, o.Device = transport.TCP, ""
	s, err = open(ctx, o, deadline, why)
	if f, ok := fault.As(err); ok {
		said := *f
		said.Why = fmt.Errorf("%w (TCP was tried, since RDMA is not possible: %w)", f.Why, why)
		return nil, &said
	}
	return s, err
}

// openPinned is open with as many slots as the memory allows that may be pinned at both ends.
func openPinned(ctx context.Context, o Options, deadline time.Time, noRDMA *fault.Error) (*Session, error) {
	s, first := open(ctx, o, deadline, noRDMA)
	for err := first; fault.CodeOf(err) == fault.Memlock && o.LeastSlots > 0 && o.Slots > o.LeastSlots; {
		o.Slots = max(o.Slots/2, o.LeastSlots)
		o.Logger.Info("less memory may be pinned than is asked for: fewer chunks will be in flight", slog.Int("slots", o.Slots), slog.Any("reason", err))
		if s, err = open(ctx, o, deadline, noRDMA); err == nil {
			return s, nil
		}
	}
	return s, first
}

// open makes a session by the transport that o names; noRDMA is why that is not RDMA.
func open(ctx context.Context, o Options, deadline time.Time, noRDMA *fault.Error) (s *Session, err error) {
	span, end := trace.Begin(ctx, "connect")
	peer := Peer{Transport: o.Transport, Encrypted: o.secured() && (o.Encrypt || o.Transport == transport.TCP), NoRDMA: noRDMA}
	defer func() {
		if s != nil {
			peer = s.peer
		}
		trace.Set(span, peer.Attrs()...)
		end(fault.CodeOf(err))
	}()
	dialCtx, cancel := context.WithDeadlineCause(ctx, deadline, noAnswer(o))
	defer cancel()
	raw, conn, err := dial(dialCtx, o)
	if err != nil {
		return nil, err
	}
	openCtx, cancelOpen := context.WithDeadlineCause(ctx, deadline, noSession(o))
	defer cancelOpen()
	// The stream outlives the time limit of dialling, and ends with Close.
	streamCtx, cancelStream := context.WithCancel(context.WithoutCancel(ctx))
	s = &Session{options: o, raw: raw, conn: conn, cancel: cancelStream, peer: peer}
	if err := s.start(streamCtx, openCtx); err != nil {
		err = s.explain(openCtx, err)
		return nil, errors.Join(err, s.close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// start opens the stream and shakes hands, both within the time of limit.
func (s *Session) start(ctx, limit context.Context) error {
	// What listens there may accept connections and say nothing: without this,
	// gRPC would wait for it as long as it likes.
	stop := context.AfterFunc(limit, s.cancel)
	stream, err := pb.NewTransferServiceClient(s.conn).Session(traced(ctx))
	if !stop() {
		return context.Cause(limit)
	}
	if err != nil {
		return err
	}
	s.pipe, _ = wire.NewPipe(ctx, stream,
		func(m *pb.SessionResponse) bool { return m.GetHeartbeat() != nil },
		func() *pb.SessionRequest {
			return &pb.SessionRequest{Message: &pb.SessionRequest_Heartbeat{Heartbeat: &pb.Heartbeat{}}}
		})
	s.again = func(rail int, rest time.Duration) {
		s.railMu.Lock()
		defer s.railMu.Unlock()
		if ctx.Err() == nil {
			s.menders.Go(func() { s.mend(ctx, rail, rest) })
		}
	}
	return s.agree(limit, ipOf(s.raw.LocalAddr()), ipOf(s.raw.RemoteAddr()))
}

// agree shakes hands: Hello with this end's endpoint, Welcome with the daemon's, Ready.
func (s *Session) agree(ctx context.Context, local, remote netip.Addr) error {
	o := s.options
	if err := s.seal(); err != nil {
		return err
	}
	pending, err := rails.PrepareLender(ctx, s.rails(ctx, transport.Setup{
		Kind: o.Transport, Device: o.Device, Local: local, Peer: remote, Dial: s.dialMore,
		Direction: o.Direction, ChunkSize: o.ChunkSize, QPs: o.QPs,
		Unverified: o.Unverified, ZeroCopy: o.ZeroCopy, TLS: o.secured(),
	}), s.dropped)
	if err != nil {
		return err
	}
	welcome, err := s.shake(ctx, pending.Endpoint())
	if err != nil {
		return errors.Join(err, pending.Close())
	}
	if got, want := welcome.Endpoint.Kind, pending.Endpoint().Kind; got != want {
		return errors.Join(at(o.Host, fault.New(fault.Protocol, "reading the peer's Welcome", fmt.Errorf("it goes by %s, not %s", got, want), "")), pending.Close())
	}
	lender, err := pending.Connect(ctx, welcome.Endpoint)
	if err != nil {
		return err
	}
	s.setups[0].Device = pending.Endpoint().Device
	s.lender = newBook(lender)
	s.chunk = welcome.ChunkSize
	s.peer.Version, s.peer.SessionID, s.peer.ChunkSize = welcome.Version, welcome.Session, s.chunk
	s.peer.Ends = &Ends{Here: pending.Endpoint(), There: welcome.Endpoint}
	here := devices(pending.Endpoint(), welcome.Endpoint)
	s.peer.Device, s.peer.LocalDevice, s.peer.Rails = strings.Join(devices(welcome.Endpoint, welcome.Endpoint), "+"), strings.Join(here, "+"), len(here)
	o.Logger.Debug("session open", slog.String("session", s.peer.SessionID), slog.String("transport", o.Transport.String()), slog.String("device", s.peer.LocalDevice),
		slog.String("peer_device", s.peer.Device), slog.Int("chunk_size", s.chunk))
	return s.pipe.Send(ctx, &pb.SessionRequest{Message: &pb.SessionRequest_Ready{Ready: &pb.Ready{}}})
}

// shake sends Hello and returns the daemon's Welcome.
func (s *Session) shake(ctx context.Context, e transport.Endpoint) (wire.Welcome, error) {
	chunk := min(s.options.ChunkSize, int(min(e.MaxMessage, wire.MaxChunk)))
	why, code := s.peer.fallback()
	m, err := s.ask(ctx, &pb.SessionRequest{Message: &pb.SessionRequest_Hello{Hello: wire.FromHello(wire.Hello{
		Version: s.options.Version, Endpoint: e, Direction: s.options.Direction, ChunkSize: chunk, Slots: s.options.Slots,
		Unverified: s.options.Unverified, ZeroCopy: s.options.ZeroCopy, Encrypt: s.options.Encrypt,
		Fallback: why, FallbackCode: code,
	})}})
	if err != nil {
		return wire.Welcome{}, err
	}
	if m.GetWelcome() == nil {
		return wire.Welcome{}, unexpected("opening the session", m)
	}
	w, err := wire.ToWelcome(m.GetWelcome(), chunk, s.options.Version)
	if err == nil && s.options.Encrypt && !w.Encrypted {
		err = at(s.options.Host, fault.New(fault.Version, "agreeing on encryption", fmt.Errorf("rdmad %s knows of none", w.Version),
			"install the same release of rdmacp on both hosts, or do without --encrypt"))
	}
	return w, err
}

// dialMore makes one more connection to where the control connection leads.
func (s *Session) dialMore(ctx context.Context) (net.Conn, error) {
	a := s.raw.RemoteAddr()
	c, err := s.options.dialer().DialContext(ctx, a.Network(), a.String())
	if err != nil || !s.options.secured() {
		return c, err
	}
	return s.options.prove(ctx, c)
}

// fallback is why the session does not go by RDMA, for the daemon's log and its metrics.
func (p Peer) fallback() (why string, code fault.Code) {
	if p.NoRDMA == nil {
		return "", fault.OK
	}
	return p.NoRDMA.Error(), p.NoRDMA.Code
}

// Peer says who is at the two ends.
func (s *Session) Peer() Peer { return s.peer }

func ipOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
