package client

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/sealed"
)

// secured reports whether connections to the daemon are under TLS. A unix socket leads
// nowhere else.
func (o Options) secured() bool {
	return o.TLS != nil && !strings.HasPrefix(o.Address, "unix:")
}

// prove proves on a connection to the daemon who the two ends are. After an error the
// connection is closed.
func (o Options) prove(ctx context.Context, raw net.Conn) (net.Conn, error) {
	host, _, err := net.SplitHostPort(o.Address)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	c, err := o.TLS.Handshake(ctx, raw, host)
	if err == nil {
		return c, nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, toFault(ctx, cause, o.Host)
	}
	fix, why := o.TLS.Explain(err, host)
	return nil, at(o.Host, fault.New(fault.Unproven, "proving who answers at "+o.Address, why, fix))
}

// noKey is the fault of a connection that has nothing to encrypt by.
func noKey() *fault.Error {
	return fault.New(fault.Usage, "encrypting what is moved", errors.New("the key for it comes from TLS, and this connection has none"),
		"give certificates (--tls-cert, --tls-key, --tls-ca; docs/security.md), use --via-ssh, or do without --encrypt")
}

// seal has what goes by RDMA encrypted, if that was asked for. TCP is under TLS itself.
func (s *Session) seal() error {
	s.fabric = s.options.Fabric
	if !s.options.Encrypt || s.options.Transport != transport.RDMA {
		return nil
	}
	c, ok := s.raw.(*mtls.Conn)
	if !ok {
		return at(s.options.Host, noKey())
	}
	f, err := sealed.Keyed(s.fabric, c.Key)
	if err != nil {
		return at(s.options.Host, fault.New(fault.Internal, "making a key from TLS", err, ""))
	}
	s.fabric = f
	return nil
}

// alertRecord is how a TLS record begins that carries an alert: RFC 8446, section 5.1.
const alertRecord = 0x15

// plain is a connection without TLS.
type plain struct {
	net.Conn
	begun  atomic.Bool
	wanted atomic.Bool // TLS: the peer's first byte says so
}

// Read looks at the first byte.
func (p *plain) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if n > 0 && !p.begun.Swap(true) && b[0] == alertRecord {
		p.wanted.Store(true)
	}
	return n, err
}

// unproven is the fault of a daemon that wants to know who this end is, if it is one.
func (o Options) unproven(raw net.Conn) *fault.Error {
	const what = "proving to the daemon who this client is"
	switch c := raw.(type) {
	case *mtls.Conn:
		if alert := c.Refusal(); alert != nil {
			fix, why := o.TLS.ExplainRefusal(alert)
			return at(o.Host, fault.New(fault.Unproven, what, why, fix))
		}
	case *plain:
		if c.wanted.Load() {
			return at(o.Host, fault.New(fault.Unproven, what, errors.New("it speaks TLS only, and this client has no certificate"),
				"give one of a CA that the daemon trusts (--tls-cert, --tls-key, --tls-ca); rdmad pki issue makes them"))
		}
	}
	return nil
}
