package tcp

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// Config configures a Fabric.
type Config struct {
	Logger      *slog.Logger // connections that were refused; nil: discarded
	Connections int          // that are not for data and may be open at once; 0: 1024
}

// Fabric makes connections by TCP. Its drivers get theirs by way of the listeners that
// Listen returns.
type Fabric struct {
	log      *slog.Logger
	identify time.Duration // identifyLimit
	stall    time.Duration // stallLimit

	latencies transport.Latencies

	mu      sync.Mutex
	waiting map[*driver]struct{} // whose connections are not all there
	crowd   crowd
}

var _ transport.Fabric = (*Fabric)(nil)

// New returns a fabric.
func New(c Config) *Fabric {
	log := c.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Fabric{log: log, identify: identifyLimit, stall: stallLimit, waiting: map[*driver]struct{}{}, crowd: newCrowd(cmp.Or(c.Connections, defaultConnections))}
}

// Latencies is how long chunks were in each stage.
func (f *Fabric) Latencies() *transport.Latencies { return &f.latencies }

// PrepareLender makes the passive end of a connection, which dials once it knows the
// driver's endpoint.
func (f *Fabric) PrepareLender(_ context.Context, s transport.Setup) (transport.Pending[transport.Lender], error) {
	if s.Dial == nil {
		return nil, errors.New("tcp: a lender that cannot dial")
	}
	s, err := checked(s)
	if err != nil {
		return nil, err
	}
	return &pending[transport.Lender]{
		endpoint: endpointOf(s),
		connect: func(ctx context.Context, peer transport.Endpoint) (transport.Lender, error) {
			conns, err := dial(ctx, s.Dial, peer)
			if err != nil {
				return nil, err
			}
			return newLender(f, s, conns), nil
		},
		close: func() error { return nil },
	}, nil
}

// PrepareDriver makes the active end of a connection, which waits for the lender to dial.
func (f *Fabric) PrepareDriver(_ context.Context, s transport.Setup) (transport.Pending[transport.Driver], error) {
	s, err := checked(s)
	if err != nil {
		return nil, err
	}
	endpoint := endpointOf(s)
	if _, err := rand.Read(endpoint.Token[:]); err != nil {
		return nil, fmt.Errorf("making a token: %w", err)
	}
	d := newDriver(f, s, endpoint.Token)
	return &pending[transport.Driver]{
		endpoint: endpoint,
		connect: func(_ context.Context, peer transport.Endpoint) (transport.Driver, error) {
			if err := match(endpoint, peer); err != nil {
				return nil, errors.Join(err, d.Close())
			}
			f.await(d)
			return d, nil
		},
		close: d.Close,
	}, nil
}

// checked refuses a set-up that no connection could be made of, and fills in the number
// of connections.
func checked(s transport.Setup) (transport.Setup, error) {
	s.QPs = cmp.Or(s.QPs, defaultConns)
	if s.ChunkSize < 1 || s.Slots < 1 || s.Slots > 1<<16 || s.QPs < 1 || s.QPs > maxConns {
		return s, fmt.Errorf("tcp: a set-up of %d connections for %d chunks of %d bytes", s.QPs, s.Slots, s.ChunkSize)
	}
	return s, nil
}

// endpointOf is what the peer has to know; of a driver the token, too.
func endpointOf(s transport.Setup) transport.Endpoint {
	return transport.Endpoint{Kind: transport.TCP, Device: addressOf(s.Local), Conns: s.QPs, MaxMessage: maxMessage}
}

// addressOf names this end for people.
func addressOf(a netip.Addr) string {
	if !a.IsValid() {
		return "unix"
	}
	return a.String()
}

// match says whether the two ends can be connected.
func match(local, peer transport.Endpoint) error {
	if peer.Kind != transport.TCP || peer.Conns != local.Conns {
		return fmt.Errorf("tcp: this end makes %d connections by tcp, the peer %d by %s", local.Conns, peer.Conns, peer.Kind)
	}
	return nil
}

// pending is an end that waits for the peer's endpoint.
type pending[T any] struct {
	endpoint transport.Endpoint
	connect  func(context.Context, transport.Endpoint) (T, error)
	close    func() error
	once     sync.Once
}

// Endpoint is what the peer has to know.
func (p *pending[T]) Endpoint() transport.Endpoint { return p.endpoint }

// Connect connects the end: a lender dials, a driver lets its connections come.
func (p *pending[T]) Connect(ctx context.Context, peer transport.Endpoint) (end T, err error) {
	err = transport.ErrClosed
	p.once.Do(func() { end, err = p.connect(ctx, peer) })
	return end, err
}

// Close gives the pending end up.
func (p *pending[T]) Close() (err error) {
	p.once.Do(func() { err = p.close() })
	return err
}
