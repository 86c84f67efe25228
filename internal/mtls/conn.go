package mtls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"time"
)

// Conn is a connection whose peer proves who it is before a byte of its is handed on.
type Conn struct {
	*tls.Conn
	failed  func(error)           // at the end that accepts: is told why the peer is refused
	store   *Store                // at that end
	refusal atomic.Pointer[error] // what the peer has said against this end
}

// Read reads what the peer has sent, once it has proved who it is.
func (c *Conn) Read(b []byte) (int, error) {
	if c.failed != nil && !c.ConnectionState().HandshakeComplete {
		// Who accepts has set a deadline on the connection: there is nothing else to wait for.
		if err := c.HandshakeContext(context.Background()); err != nil {
			c.failed(err)
			c.farewell(err)
			return 0, err
		}
	}
	n, err := c.Conn.Read(b)
	var alert *net.OpError
	if errors.As(err, &alert) && alert.Op == "remote error" {
		c.refusal.CompareAndSwap(nil, &alert.Err)
	}
	return n, err
}

// ErrNoTLS answers where a connection is not under TLS.
var ErrNoTLS = errors.New("mtls: the connection is not under TLS")

// Key returns n bytes for a purpose that the label says, which only the two ends of the
// connection know: TLS's exporter (RFC 8446, section 7.5). The handshake is over.
func (c *Conn) Key(label string, n int) ([]byte, error) {
	state := c.ConnectionState()
	return state.ExportKeyingMaterial(label, nil, n)
}

// names are those of the peer, who has proved to have the key to cert.
func (c *Conn) names(cert *x509.Certificate) []string {
	if c.store == nil {
		return Names(cert)
	}
	return c.store.called(cert)
}

// wantsTLS is the record that tells a peer without TLS that there is none to be had: a
// fatal alert, protocol_version (RFC 8446, sections 5.1 and 6).
var wantsTLS = []byte{0x15, 3, 1, 0, 2, 2, 70}

// How long, and for how many bytes, a peer that is refused is heard out. If it were cut
// while something of its is unread, it would not get to know why.
const (
	hearOut      = 500 * time.Millisecond
	hearOutBytes = 64 << 10
)

// farewell sees to it that a peer that is refused hears so.
func (c *Conn) farewell(err error) {
	raw := c.NetConn()
	_ = raw.SetDeadline(time.Now().Add(hearOut))
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		_, _ = raw.Write(wantsTLS)
	}
	if half, ok := raw.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_, _ = io.CopyN(io.Discard, raw, hearOutBytes)
}

// Refusal is what the peer has said against this end's certificate; nil if nothing. In
// TLS 1.3 that comes once the handshake is over for the end that dials.
func (c *Conn) Refusal() error {
	if why := c.refusal.Load(); why != nil {
		return *why
	}
	return nil
}

// Handshake proves on a connection that was made to host who the two ends are. After an
// error the connection is closed.
func (s *Store) Handshake(ctx context.Context, raw net.Conn, host string) (*Conn, error) {
	c := &Conn{Conn: tls.Client(raw, s.client(host))}
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, ignore(raw.Close()))
	}
	return c, nil
}

// ignore drops an error that says nothing more.
func ignore(error) error { return nil }

// Listen returns a listener like lis of which each connection is a Conn. Who is refused
// is logged, each peer and reason once a minute.
func (s *Store) Listen(lis net.Listener) net.Listener {
	return &listener{Listener: lis, store: s, refused: newRefused(s.log)}
}

type listener struct {
	net.Listener
	store   *Store
	refused *refusedLog
}

// Accept returns the next connection. It waits for nothing that the peer has to do.
func (l *listener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	from := raw.RemoteAddr()
	return &Conn{
		Conn:  tls.Server(raw, l.store.server()),
		store: l.store,
		failed: func(err error) {
			l.store.refused[reasonOf(err)].Add(1)
			l.refused.log(from, err)
		},
	}, nil
}

// attrs says who the peer is, for logs.
func attrs(from net.Addr, err error) []any {
	return []any{slog.String("peer", from.String()), slog.Any("reason", err)}
}
