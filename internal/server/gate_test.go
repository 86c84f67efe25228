package server

import (
	"net"
	"testing"

	"google.golang.org/grpc/peer"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
)

// A client that takes what it gets leaves room for the others.
func TestGate(t *testing.T) {
	t.Parallel()
	g := newGate(3, 2)
	first, err := g.enter("greedy")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.enter("greedy"); err != nil {
		t.Fatal(err)
	}
	if _, err := g.enter("greedy"); fault.CodeOf(err) != fault.Limit {
		t.Errorf("a third session of one client: %v", err)
	}
	other, err := g.enter("modest")
	if err != nil {
		t.Errorf("there is no room for another: %v", err)
	}
	if _, err := g.enter("late"); fault.CodeOf(err) != fault.Limit {
		t.Errorf("a fourth session: %v", err)
	}
	first()
	if _, err := g.enter("greedy"); err != nil {
		t.Errorf("once one has ended: %v", err)
	}
	other()
	if g.idle() != 0 || len(g.clients) != 1 {
		t.Errorf("idle for %v with %v", g.idle(), g.clients)
	}
}

// Who has proved who it is is one client, however many addresses it has; others are told apart
// by these.
func TestClientOf(t *testing.T) {
	t.Parallel()
	of := func(addr string, tls bool, names ...string) string {
		a, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		return clientOf(peer.NewContext(t.Context(), &peer.Peer{Addr: a, AuthInfo: mtls.Peer{Names: names, TLS: tls}}))
	}
	alice := of("192.0.2.1:1", true, "alice", "a@example.org")
	nobody := of("192.0.2.1:1", false, mtls.Anonymous)
	for _, tt := range []struct {
		other string
		than  string
		same  bool
	}{
		{of("192.0.2.1:2", true, "alice", "a@example.org"), alice, true},
		{of("[2001:db8::1]:2", true, "alice", "a@example.org"), alice, true},
		{of("192.0.2.1:1", true, "bob"), alice, false},
		{of("192.0.2.1:2", false, mtls.Anonymous), nobody, true},
		{of("192.0.2.2:1", false, mtls.Anonymous), nobody, false},
		{of("192.0.2.1:1", true), of("192.0.2.2:1", true), false}, // certificates without a name
	} {
		if (tt.other == tt.than) != tt.same {
			t.Errorf("%q and %q: the same client is %v", tt.other, tt.than, !tt.same)
		}
	}
}
