package mtls

import (
	"context"
	"net"
	"sync/atomic"

	"google.golang.org/grpc/credentials"
)

// Peer is who is at the other end of a connection, as gRPC's AuthInfo.
type Peer struct {
	credentials.CommonAuthInfo
	Names []string // see Names; Local or Anonymous where there is no certificate
	TLS   bool
	conn  *Conn // nil without TLS
	link  *link
}

// link is the connection itself, for all calls that are made by it.
type link struct {
	net.Conn
	regrets atomic.Int32
}

// Regretted notes whether the peer has taken a call back that it had just made, and how many
// times in a row it has done so by now.
func (p Peer) Regretted(did bool) int {
	switch {
	case p.link == nil:
		return 0
	case did:
		return int(p.link.regrets.Add(1))
	}
	p.link.regrets.Store(0)
	return 0
}

// HangUp ends the connection.
func (p Peer) HangUp() {
	if p.link != nil {
		_ = p.link.Close()
	}
}

// Key returns n bytes for a purpose that the label says, which only the two ends of the
// connection know.
func (p Peer) Key(label string, n int) ([]byte, error) {
	if p.conn == nil {
		return nil, ErrNoTLS
	}
	return p.conn.Key(label, n)
}

// AuthType implements credentials.AuthInfo.
func (Peer) AuthType() string { return "mtls" }

// Credentials are gRPC's for connections on which the peer has proved who it is already,
// or that are without TLS: gRPC itself proves nothing.
func Credentials() credentials.TransportCredentials { return proven{} }

type proven struct{}

// ClientHandshake has nothing to do.
func (proven) ClientHandshake(_ context.Context, _ string, c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return c, peerOf(c), nil
}

// ServerHandshake has nothing to do.
func (proven) ServerHandshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if t := find(c); t != nil {
		// Unless somebody has read from it, it is due. gRPC has set the deadline.
		if err := t.HandshakeContext(context.Background()); err != nil {
			return nil, nil, err
		}
	}
	return c, peerOf(c), nil
}

// Info tells people what it is.
func (proven) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "mtls"}
}

// Clone returns the same: there is nothing in it.
func (proven) Clone() credentials.TransportCredentials { return proven{} }

// OverrideServerName has nothing to override.
func (proven) OverrideServerName(string) error { return nil }

// peerOf is who is at the other end of a connection.
func peerOf(c net.Conn) Peer {
	t := find(c)
	if t == nil {
		name := Anonymous
		if c.RemoteAddr().Network() == "unix" {
			name = Local
		}
		return Peer{credentials.CommonAuthInfo{SecurityLevel: credentials.NoSecurity}, []string{name}, false, nil, &link{Conn: c}}
	}
	p := Peer{credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}, nil, true, t, &link{Conn: c}}
	if certs := t.ConnectionState().PeerCertificates; len(certs) > 0 {
		p.Names = t.names(certs[0])
	}
	return p
}

// find returns the Conn that c is, or that c reads from.
func find(c net.Conn) *Conn {
	for {
		if t, ok := c.(*Conn); ok {
			return t
		}
		in, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		c = in.NetConn()
	}
}
