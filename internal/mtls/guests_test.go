package mtls_test

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/pki"
	"github.com/rdmacp/rdmacp/internal/token"
)

// forgetful lets guests in, and knows none of them once they are.
type forgetful struct{ *token.Table[place] }

func (forgetful) Name(*x509.Certificate) string { return "" }

// place is one that need not be let go of.
type place struct{}

// Close has nothing to do.
func (place) Close() error { return nil }

// names are who comes in at a daemon with these guests, by these credentials; nil for who
// is not let in.
func names(t *testing.T, a authority, g mtls.Guests, client *mtls.Store) []string {
	t.Helper()
	s, err := mtls.Open(a.files("server"), nil)
	must(t, err)
	s.Admit(g)
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	lis := s.Listen(raw)
	defer func() { must(t, lis.Close()) }()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dialled := make(chan error, 1)
	go func() {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", raw.Addr().String())
		if err == nil {
			var proved *mtls.Conn
			if proved, err = client.Handshake(ctx, c, "127.0.0.1"); err == nil {
				defer func() { _ = proved.Close() }()
				_, _ = io.Copy(io.Discard, proved) // until the daemon hangs up
			}
		}
		dialled <- err
	}()
	c, err := lis.Accept()
	must(t, err)
	must(t, c.SetDeadline(time.Now().Add(patience)))
	_, info, err := mtls.Credentials().ServerHandshake(c)
	_ = c.Close()
	must(t, <-dialled)
	if err != nil {
		return nil
	}
	p, ok := info.(mtls.Peer)
	if !ok || !p.TLS {
		t.Fatalf("the peer is %+v", info)
	}
	return p.Names
}

// Who has a token is let in as its holder, and as nobody else; one that was taken back opens nothing.
func TestGuests(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	table := token.New[place]()
	daemon, err := mtls.Open(a.files("server"), nil)
	must(t, err)
	text, g, err := table.Issue(token.Scope{Export: "data"}, place{}, time.Now().Add(time.Hour), 1, daemon.Anchors())
	must(t, err)
	own, anchors, err := token.Parse(text)
	must(t, err)
	guest := mtls.Pinned(own, nil, anchors...)
	if got := names(t, a, table, guest); !slices.Equal(got, []string{"token:" + g.ID}) {
		t.Errorf("a guest is %q", got)
	}
	// It is not one of those without a name, who may do whatever everybody may.
	if got := names(t, a, forgetful{table}, guest); !slices.Equal(got, []string{"token:"}) {
		t.Errorf("a guest that was forgotten is %q", got)
	}
	alice, err := mtls.Open(a.issue(t, pki.Request{Name: "alice"}), nil)
	must(t, err)
	if got := names(t, a, table, alice); !slices.Equal(got, []string{"alice"}) {
		t.Errorf("who has a certificate is %q", got)
	}
	// Renewed, it has another certificate of the same CA.
	a.issue(t, pki.Request{Name: "server", Hosts: []string{"127.0.0.1"}, Renew: true})
	if got := names(t, a, table, guest); !slices.Equal(got, []string{"token:" + g.ID}) {
		t.Errorf("with a renewed daemon a guest is %q", got)
	}
	if !table.Revoke(g.ID) {
		t.Error("the token was not there")
	}
	if got := names(t, a, table, guest); got != nil {
		t.Errorf("a guest that is none any more is %q", got)
	}
}
