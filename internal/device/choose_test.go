package device

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// addr parses an address; "" is the invalid one.
func addr(s string) netip.Addr {
	if s == "" {
		return netip.Addr{}
	}
	return netip.MustParseAddr(s)
}

// roce makes an active Ethernet rail with one RoCE v1 and one RoCE v2 GID for each
// "address@netdev", as kernels list them; without "@netdev" it is the rail's own.
func roce(device, netDev string, gids ...string) Rail {
	r := Rail{
		Device: device, Port: 1, Transport: "InfiniBand", State: StateActive,
		LinkLayer: Ethernet, NetDev: netDev, NUMANode: -1,
	}
	for _, g := range gids {
		a, on, found := strings.Cut(g, "@")
		if !found {
			on = netDev
		}
		for _, kind := range []GIDKind{RoCEv1, RoCEv2} {
			r.GIDs = append(r.GIDs, GID{Addr: addr(a), Index: len(r.GIDs), Kind: kind, NetDev: on})
		}
	}
	return r
}

// ib makes an active InfiniBand rail with an IPoIB device.
func ib(device, netDev, prefix string) Rail {
	r := Rail{
		Device: device, Port: 1, Transport: "InfiniBand", State: StateActive,
		LinkLayer: InfiniBand, LID: 7, NetDev: netDev, NUMANode: -1,
		GIDs: []GID{
			{Addr: addr("fe80::506b:4b03:a1:1"), Index: 0, Kind: IB},
			{Addr: addr("fe80::506b:4b03:a1:2"), Index: 1, Kind: IB},
		},
	}
	if prefix != "" {
		r.Addresses = []netip.Prefix{netip.MustParsePrefix(prefix)}
	}
	return r
}

// with returns r changed.
func with(r Rail, change func(*Rail)) Rail {
	change(&r)
	return r
}

func down(r *Rail) { r.State = "DOWN" }

var (
	rxe0 = roce("rxe0", "wire0", "fe80::1", "10.77.0.1")
	rxe1 = roce("rxe1", "wire1", "fe80::2", "10.77.0.2")
	mlx0 = roce("mlx5_0", "eth0", "fe80::3", "192.0.2.10", "2001:db8::10", "198.51.100.10@eth0.100")
	six0 = roce("mlx5_6", "eth6", "fe80::6", "2001:db8:6::1")
	ll0  = roce("mlx5_9", "eth9", "fe80::9")
	ib0  = ib("mlx5_ib0", "ib0", "10.9.0.1/24")
)

func TestChoose(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rails []Rail
		want  Want
		rail  string // of the choice
		gid   string
	}{
		"the address of the control connection": {
			[]Rail{mlx0, rxe0, rxe1},
			Want{Local: addr("10.77.0.2"), Peer: addr("10.77.0.1")},
			"rxe1/1", "10.77.0.2",
		},
		"the same, IPv4-mapped": {
			[]Rail{mlx0, rxe0, rxe1},
			Want{Local: addr("::ffff:10.77.0.2"), Peer: addr("::ffff:10.77.0.1")},
			"rxe1/1", "10.77.0.2",
		},
		"two rails in one subnet: Local wins over the route": {
			[]Rail{rxe0, rxe1},
			Want{Local: addr("10.77.0.2"), Peer: addr("10.77.0.9"), RouteNetDev: "wire0", RouteSrc: addr("10.77.0.1")},
			"rxe1/1", "10.77.0.2",
		},
		"two rails with one address: the one on the route": {
			[]Rail{rxe0, roce("rxe9", "wire9", "10.77.0.1")},
			Want{Local: addr("10.77.0.1"), Peer: addr("10.77.0.9"), RouteNetDev: "wire9"},
			"rxe9/1", "10.77.0.1",
		},
		"no Local: the route's source": {
			[]Rail{mlx0, rxe0, rxe1},
			Want{Peer: addr("10.77.0.9"), RouteNetDev: "wire1", RouteSrc: addr("10.77.0.2")},
			"rxe1/1", "10.77.0.2",
		},
		"the route's source is another rail's: the route's device wins": {
			[]Rail{rxe0, rxe1},
			Want{Peer: addr("10.77.0.9"), RouteNetDev: "wire1", RouteSrc: addr("10.77.0.1")},
			"rxe1/1", "10.77.0.2",
		},
		"no source: a GID on the route's device in the peer's family": {
			[]Rail{rxe0, mlx0},
			Want{Peer: addr("2001:db8::99"), RouteNetDev: "eth0"},
			"mlx5_0/1", "2001:db8::10",
		},
		"VLAN: the GID of the VLAN device": {
			[]Rail{rxe0, mlx0},
			Want{Local: addr("198.51.100.10"), Peer: addr("198.51.100.11"), RouteNetDev: "eth0.100"},
			"mlx5_0/1", "198.51.100.10",
		},
		"VLAN: by the route alone": {
			[]Rail{rxe0, mlx0},
			Want{Peer: addr("198.51.100.11"), RouteNetDev: "eth0.100", RouteSrc: addr("198.51.100.10")},
			"mlx5_0/1", "198.51.100.10",
		},
		"a link-local Local with a zone is no match, the route is": {
			[]Rail{rxe0, six0},
			Want{Local: addr("fe80::6%eth6"), Peer: addr("fe80::66%eth6"), RouteNetDev: "eth6", RouteSrc: addr("fe80::6")},
			"mlx5_6/1", "2001:db8:6::1",
		},
		"IPv4 link-local, as on a cable between two hosts, is good if the connection uses it": {
			[]Rail{mlx0, roce("cx", "eth5", "fe80::5", "169.254.3.1")},
			Want{Local: addr("169.254.3.1"), Peer: addr("169.254.3.2")},
			"cx/1", "169.254.3.1",
		},
		"IPv6 only": {
			[]Rail{six0},
			Want{Local: addr("2001:db8:6::1"), Peer: addr("2001:db8:6::2")},
			"mlx5_6/1", "2001:db8:6::1",
		},
		"named: best GID, though the control connection goes elsewhere": {
			[]Rail{rxe0, mlx0},
			Want{Device: "mlx5_0", Local: addr("203.0.113.1"), Peer: addr("203.0.113.2"), RouteNetDev: "mgmt"},
			"mlx5_0/1", "192.0.2.10",
		},
		"named: the peer's family": {
			[]Rail{rxe0, mlx0},
			Want{Device: "mlx5_0/1", Local: addr("2001:db8:f::1"), Peer: addr("2001:db8:f::2")},
			"mlx5_0/1", "2001:db8::10",
		},
		"named: the other family, if there is no better": {
			[]Rail{rxe0, six0},
			Want{Device: "mlx5_6", Peer: addr("203.0.113.2"), Local: addr("203.0.113.1")},
			"mlx5_6/1", "2001:db8:6::1",
		},
		"named: only fe80": {
			[]Rail{rxe0, ll0},
			Want{Device: "mlx5_9", Local: addr("203.0.113.1"), Peer: addr("203.0.113.2")},
			"mlx5_9/1", "fe80::9",
		},
		"named: Local is an address of another rail": {
			[]Rail{rxe0, rxe1},
			Want{Device: "rxe1", Local: addr("10.77.0.1"), Peer: addr("10.77.0.1"), RouteNetDev: "lo", RouteSrc: addr("10.77.0.1")},
			"rxe1/1", "10.77.0.2",
		},
		"named port": {
			[]Rail{rxe0, with(rxe1, func(r *Rail) { r.Device, r.Port = "rxe0", 2 })},
			Want{Device: "rxe0/2", Local: addr("127.0.0.1")},
			"rxe0/2", "10.77.0.2",
		},
		"named: the active one of its ports": {
			[]Rail{with(rxe0, down), with(rxe1, func(r *Rail) { r.Device, r.Port = "rxe0", 2 })},
			Want{Device: "rxe0", Local: addr("127.0.0.1")},
			"rxe0/2", "10.77.0.2",
		},
		"loopback: the only active rail": {
			[]Rail{with(rxe0, down), six0},
			Want{Local: addr("127.0.0.1"), Peer: addr("127.0.0.1"), RouteNetDev: "lo", RouteSrc: addr("127.0.0.1")},
			"mlx5_6/1", "2001:db8:6::1",
		},
		"loopback: the first with an IPv4-mapped GID": {
			[]Rail{ll0, six0, rxe0, rxe1},
			Want{Local: addr("::1"), Peer: addr("::1")},
			"rxe0/1", "10.77.0.1",
		},
		"loopback: the port's own GID before a VLAN's": {
			[]Rail{roce("m", "eth0", "198.51.100.10@eth0.100", "192.0.2.10")},
			Want{Local: addr("127.0.0.1")},
			"m/1", "192.0.2.10",
		},
		"unix socket: nothing is known": {
			[]Rail{six0, rxe1},
			Want{},
			"rxe1/1", "10.77.0.2",
		},
		"a down port is passed over": {
			[]Rail{with(rxe0, down), rxe1},
			Want{Local: addr("127.0.0.1")},
			"rxe1/1", "10.77.0.2",
		},
		"InfiniBand: the IPoIB address": {
			[]Rail{rxe0, ib("ib9", "ib9", "10.8.0.1/24"), ib0},
			Want{Local: addr("10.9.0.1"), Peer: addr("10.9.0.2")},
			"mlx5_ib0/1", "fe80::506b:4b03:a1:1",
		},
		"InfiniBand: needs no address of its own": {
			[]Rail{rxe0, ib("ib9", "", "")},
			Want{Local: addr("203.0.113.1"), Peer: addr("203.0.113.2"), RouteNetDev: "mgmt"},
			"ib9/1", "fe80::506b:4b03:a1:1",
		},
		"InfiniBand: a matching RoCE rail comes first": {
			[]Rail{ib0, rxe0},
			Want{Local: addr("10.77.0.1"), Peer: addr("10.77.0.2")},
			"rxe0/1", "10.77.0.1",
		},
		"InfiniBand: alone, over loopback": {
			[]Rail{ib0},
			Want{Local: addr("127.0.0.1")},
			"mlx5_ib0/1", "fe80::506b:4b03:a1:1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Choose(c.rails, c.want)
			if err != nil {
				t.Fatal(err)
			}
			if got.Rail.Name() != c.rail || got.GID.Addr != addr(c.gid) {
				t.Errorf("chose %v, want %s %s", got, c.rail, c.gid)
			}
			if got.Rail.LinkLayer == Ethernet && got.GID.Kind != RoCEv2 {
				t.Errorf("chose a %s GID", got.GID.Kind)
			}
		})
	}
}

func TestChooseRefuses(t *testing.T) {
	t.Parallel()
	far := Want{Local: addr("203.0.113.1"), Peer: addr("203.0.113.2"), RouteNetDev: "mgmt", RouteSrc: addr("203.0.113.1")}
	for name, c := range map[string]struct {
		rails []Rail
		want  Want
		err   string
		fix   string
	}{
		"no rails": {
			nil,
			Want{},
			"choosing an RDMA device: this host has none", "hack/softroce/up NETDEV",
		},
		"no device of that name": {
			[]Rail{mlx0, rxe0, rxe1},
			Want{Device: "rxe2"},
			`using RDMA device "rxe2": there is no such device; there is rxe0/1, rxe1/1, mlx5_0/1`, "perhaps rxe0/1",
		},
		"no port of that number": {
			[]Rail{mlx0, rxe0},
			Want{Device: "rxe0/2"},
			`using RDMA device "rxe0/2": there is no such device; there is rxe0/1, mlx5_0/1`, "perhaps rxe0/1",
		},
		"not on the control connection's network": {
			[]Rail{rxe0, with(rxe1, down), mlx0},
			far,
			"choosing an RDMA device: " +
				"rxe0/1: has 10.77.0.1, but the connection to the peer uses 203.0.113.1 on mgmt; " +
				"mlx5_0/1: has 192.0.2.10, 2001:db8::10, 198.51.100.10, but the connection to the peer uses 203.0.113.1 on mgmt; " +
				"rxe1/1: port DOWN", "--device rxe0/1",
		},
		"all down": {
			[]Rail{with(rxe0, down), with(rxe1, down)},
			far,
			"choosing an RDMA device: rxe0/1: port DOWN; rxe1/1: port DOWN", "`ip link set wire0 up`",
		},
		"the named one is down": {
			[]Rail{with(rxe0, down), rxe1},
			Want{Device: "rxe0", Local: addr("10.77.0.2")},
			`using RDMA device "rxe0": rxe0/1: port DOWN`, "`ip link set wire0 up`",
		},
		"InfiniBand without a subnet manager": {
			[]Rail{with(ib0, func(r *Rail) { r.State = "INIT" })},
			far,
			"choosing an RDMA device: mlx5_ib0/1: port INIT", "subnet manager",
		},
		"only link-local": {
			[]Rail{ll0},
			Want{Local: addr("127.0.0.1")},
			"choosing an RDMA device: mlx5_9/1: only link-local GIDs (fe80::/10 or 169.254.0.0/16)", "--device mlx5_9/1",
		},
		"only RoCE v1": {
			[]Rail{with(rxe0, func(r *Rail) { r.GIDs = r.GIDs[:1] })},
			far,
			"choosing an RDMA device: rxe0/1: no RoCE v2 GID", "give wire0 an IP address",
		},
		"iWARP": {
			[]Rail{with(rxe0, func(r *Rail) { r.Problem = "iWARP: needs a connection manager" })},
			far,
			"choosing an RDMA device: rxe0/1: iWARP: needs a connection manager", "hack/softroce/up",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Choose(c.rails, c.want)
			if err == nil {
				t.Fatalf("chose %v", got)
			}
			f, ok := fault.As(err)
			if !ok || f.Code != fault.NoDevice {
				t.Fatalf("no fault of code no_device: %v", err)
			}
			if f.Error() != c.err {
				t.Errorf("got  %s\nwant %s", f.Error(), c.err)
			}
			if !strings.Contains(f.Fix, c.fix) {
				t.Errorf("the fix is %q, want %q in it", f.Fix, c.fix)
			}
		})
	}
}

// The order of rails and GIDs decides nothing where an address matches.
func TestChooseOrder(t *testing.T) {
	t.Parallel()
	want := Want{Local: addr("10.77.0.2"), Peer: addr("10.77.0.1")}
	for _, rails := range [][]Rail{{rxe0, rxe1, mlx0}, {mlx0, rxe1, rxe0}, {rxe1, mlx0, rxe0}} {
		if got, err := Choose(rails, want); err != nil || got.Rail.Device != "rxe1" {
			t.Errorf("chose %v, %v", got, err)
		}
	}
}
