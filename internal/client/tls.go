package client

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
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
	fix, why := mtls.Explain(err, host)
	return nil, at(o.Host, fault.New(fault.Unproven, "proving who answers at "+o.Address, why, fix))
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
func (s *Session) unproven() *fault.Error {
	const what = "proving to the daemon who this client is"
	switch c := s.raw.(type) {
	case *mtls.Conn:
		if alert := c.Refusal(); alert != nil {
			fix, why := mtls.ExplainRefusal(alert)
			return at(s.options.Host, fault.New(fault.Unproven, what, why, fix))
		}
	case *plain:
		if c.wanted.Load() {
			return at(s.options.Host, fault.New(fault.Unproven, what, errors.New("it speaks TLS only, and this client has no certificate"),
				"give one of a CA that the daemon trusts (--tls-cert, --tls-key, --tls-ca); rdmad pki issue makes them"))
		}
	}
	return nil
}
