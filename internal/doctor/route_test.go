package doctor

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// Packets have to leave by the wire of the rail, or that of the VLAN which its GID belongs to, and
// to somebody who answers.
func TestRoutes(t *testing.T) {
	t.Parallel()
	peer := netip.MustParseAddr("10.77.0.2")
	ends := &client.Ends{
		Here:  transport.Endpoint{Kind: transport.RDMA, Device: "rxe0/1", GID: netip.MustParseAddr("::ffff:10.77.0.1"), LinkLayer: transport.Ethernet},
		There: transport.Endpoint{Kind: transport.RDMA, Device: "rxe0/1", GID: netip.MustParseAddr("::ffff:10.77.0.2"), LinkLayer: transport.Ethernet},
	}
	for name, tt := range map[string]struct {
		hop    device.Hop
		on     string // network device of the GID
		status Status
		says   string
	}{
		"its own wire":       {device.Hop{NetDev: "eth0", Via: peer, Neighbour: "REACHABLE"}, "eth0", OK, "rxe0/1: packets to 10.77.0.2 leave by eth0, neighbour REACHABLE"},
		"a VLAN":             {device.Hop{NetDev: "eth0.7", Via: peer}, "eth0.7", OK, "leave by eth0.7"},
		"a gateway":          {device.Hop{NetDev: "eth0", Via: netip.MustParseAddr("10.77.0.254"), Neighbour: "STALE"}, "eth0", OK, "leave by eth0, via 10.77.0.254, neighbour STALE"},
		"another wire":       {device.Hop{NetDev: "eth1", Via: peer}, "eth0", Warn, "leave by eth1, and rxe0/1 is on eth0"},
		"nobody answers":     {device.Hop{NetDev: "eth0", Via: peer, Neighbour: "FAILED", Silent: true}, "eth0", Warn, "neighbour FAILED: 10.77.0.2 does not answer there"},
		"this host":          {device.Hop{NetDev: "lo", Via: peer, Local: true}, "eth0", OK, "it is this host"},
		"nobody knows where": {device.Hop{NetDev: "eth1", Via: peer}, "", OK, "leave by eth1"},
	} {
		r := device.Rail{Device: "rxe0", Port: 1, NetDev: "eth0", GIDs: []device.GID{{Addr: netip.MustParseAddr("10.77.0.1"), Kind: device.RoCEv2, NetDev: tt.on}}}
		if tt.on == "" {
			r.NetDev = ""
		}
		h := Host{
			Rails:   func() ([]device.Rail, error) { return []device.Rail{r}, nil },
			NextHop: func(_ context.Context, to netip.Addr) (device.Hop, error) { return tt.hop, asked(t, to == peer) },
		}
		f := h.routes(t.Context(), ends)
		if len(f) != 1 || f[0].ID != "route" || f[0].Status != tt.status || !strings.Contains(f[0].Observed, tt.says) || (f[0].Fault == nil) != (tt.status == OK) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	h := Host{
		Rails: func() ([]device.Rail, error) { return nil, nil },
		NextHop: func(context.Context, netip.Addr) (device.Hop, error) {
			return device.Hop{}, fault.New(fault.Path, "finding the route", nil, "look")
		},
	}
	if f := h.routes(t.Context(), ends); len(f) != 1 || f[0].Status != Fail {
		t.Errorf("no route: %+v", f)
	}
	ib := *ends
	ib.Here.LinkLayer = transport.InfiniBand
	for _, p := range []*client.Ends{nil, &ib} {
		if f := h.routes(t.Context(), p); len(f) != 1 || f[0].Status != Skip {
			t.Errorf("%+v: %+v", p, f)
		}
	}
}

// asked fails the test where another peer is asked for.
func asked(t *testing.T, right bool) error {
	t.Helper()
	if !right {
		t.Error("another peer is asked for")
	}
	return nil
}
