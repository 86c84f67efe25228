package device

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
)

func TestReadLinks(t *testing.T) {
	t.Parallel()
	links, err := readLinks()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if l.name != "lo" {
			continue
		}
		if l.index == 0 || l.mtu == 0 {
			t.Errorf("lo is %+v", l)
		}
		for _, a := range l.addrs {
			if a == netip.MustParsePrefix("127.0.0.1/8") {
				return
			}
		}
		t.Errorf("lo has the addresses %v", l.addrs)
	}
	t.Errorf("no lo with 127.0.0.1/8 among %+v", links)
}

func TestRouteLoopback(t *testing.T) {
	t.Parallel()
	for _, peer := range []string{"127.0.0.1", "::ffff:127.0.0.1"} {
		netDev, src, err := Route(t.Context(), netip.MustParseAddr(peer))
		if err != nil || netDev != "lo" || src != netip.MustParseAddr("127.0.0.1") {
			t.Errorf("Route(%s) = %q, %v, %v", peer, netDev, src, err)
		}
	}
}

// The next hop to loopback is this host, to which no neighbour is asked; and a network that is
// not there has none.
func TestNextHop(t *testing.T) {
	t.Parallel()
	for _, peer := range []string{"127.0.0.1", "::ffff:127.0.0.1"} {
		h, err := NextHop(t.Context(), netip.MustParseAddr(peer))
		if err != nil || h.NetDev != "lo" || !h.Local || h.Silent || h.Via != netip.MustParseAddr("127.0.0.1") {
			t.Errorf("NextHop(%s) = %+v, %v", peer, h, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NextHop(ctx, netip.MustParseAddr("127.0.0.1")); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled context gives %v", err)
	}
	for state, want := range map[uint16]string{0x20: "FAILED", 0x01: "INCOMPLETE", 0x02: "REACHABLE", 0x04: "STALE", 0: ""} {
		name, silent := neighbourState(state)
		if name != want || silent != (want == "FAILED" || want == "INCOMPLETE") {
			t.Errorf("state %d is %q, %v", state, name, silent)
		}
	}
}

func TestRouteRefuses(t *testing.T) {
	t.Parallel()
	if _, _, err := Route(t.Context(), netip.Addr{}); err == nil {
		t.Error("no error for an invalid address")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if _, _, err := Route(ctx, netip.MustParseAddr("127.0.0.1")); !errors.Is(err, gone) {
		t.Errorf("a canceled context gives %v", err)
	}
}

// Rails on a host without RDMA is a fault that says how to get it.
func TestRailsWithoutDevices(t *testing.T) {
	t.Parallel()
	rails, err := Rails()
	if err == nil {
		t.Skipf("this host has %v", rails)
	}
	if f, ok := fault.As(err); !ok || f.Code != fault.NoDevice || f.Fix == "" {
		t.Errorf("%v", err)
	}
	t.Log(err)
}
