package tcp_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/pki"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/tcp"
	"github.com/rdmacp/rdmacp/internal/transport/transporttest"
)

// credentials are those of a host that is both ends.
func credentials(t *testing.T) *mtls.Store {
	t.Helper()
	ca, err := pki.Init(t.TempDir(), "test")
	if err != nil {
		t.Fatal(err)
	}
	c, err := ca.Issue(pki.Request{Name: "node", Hosts: []string{"127.0.0.1"}, Life: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s, err := mtls.Open(mtls.Files{Cert: c.Cert, Key: c.Key, CA: ca.CertFile(), CRL: ca.CRLFile()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformanceTLS(t *testing.T) {
	proof := credentials(t)
	h := serve(t, "tcp", "127.0.0.1:0", proof.Listen)
	transporttest.Suite(t, func(t *testing.T, s transport.Setup) (transport.Lender, transport.Driver) {
		t.Helper()
		s.TLS = true
		s.Dial = func(ctx context.Context) (net.Conn, error) {
			raw, err := h.dial(ctx)
			if err != nil {
				return nil, err
			}
			return proof.Handshake(ctx, raw, "node")
		}
		return transporttest.Connect(t, tcp.New(tcp.Config{}), s, h, s)
	})
}
