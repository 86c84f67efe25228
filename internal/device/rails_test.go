package device

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/netip"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/rdmacp/rdmacp/internal/verbs"
)

func gid(s string) verbs.GID { return addr(s).As16() }

// rxeFacts is what verbs says about a Soft-RoCE device on interface 5, with a VLAN on 6.
func rxeFacts() facts {
	return facts{
		info: verbs.DeviceInfo{Name: "rxe0", NodeType: verbs.NodeCA, Transport: verbs.TransportIB},
		attr: verbs.DeviceAttr{PhysPortCount: 1, MaxQPRdAtom: 128, MaxQPInitRdAtom: 64},
		ports: []verbs.PortAttr{{
			State: verbs.PortActive, MaxMTU: verbs.MTU4096, ActiveMTU: verbs.MTU1024,
			MaxMsgSize: 8 << 20, LinkLayer: verbs.LinkLayerEthernet, ActiveWidth: 1, ActiveSpeed: 1,
		}},
		gids: []verbs.GIDEntry{
			{GID: gid("198.51.100.1"), Index: 3, Port: 1, Type: verbs.GIDTypeRoCEv2, NDevIfIndex: 6},
			{GID: gid("10.77.0.1"), Index: 2, Port: 1, Type: verbs.GIDTypeRoCEv2, NDevIfIndex: 5},
			{GID: gid("fe80::1"), Index: 1, Port: 1, Type: verbs.GIDTypeRoCEv2, NDevIfIndex: 5},
			{GID: gid("fe80::1"), Index: 0, Port: 1, Type: verbs.GIDTypeRoCEv1, NDevIfIndex: 5},
			{GID: verbs.GID{}, Index: 4, Port: 1, Type: verbs.GIDTypeRoCEv2},
			{GID: gid("10.77.0.9"), Index: 0, Port: 2, Type: verbs.GIDTypeRoCEv2, NDevIfIndex: 5},
		},
	}
}

var testLinks = []link{
	{index: 1, name: "lo", mtu: 65536},
	{index: 5, name: "eth0", mtu: 1500, addrs: []netip.Prefix{netip.MustParsePrefix("10.77.0.1/24")}},
	{index: 6, name: "eth0.100", mtu: 1496, addrs: []netip.Prefix{netip.MustParsePrefix("198.51.100.1/24")}},
}

func TestAssemble(t *testing.T) {
	t.Parallel()
	sysfs := fstest.MapFS{"class/net/eth0/device/numa_node": {Data: []byte("1\n")}}
	got := assemble(rxeFacts(), testLinks, sysfs)
	if len(got) != 1 {
		t.Fatalf("%d rails", len(got))
	}
	const want = `{
 "device": "rxe0", "port": 1, "transport": "InfiniBand", "state": "ACTIVE", "link_layer": "ethernet",
 "gids": [
  {"addr": "fe80::1", "index": 0, "kind": "RoCE v1", "netdev": "eth0"},
  {"addr": "fe80::1", "index": 1, "kind": "RoCE v2", "netdev": "eth0"},
  {"addr": "10.77.0.1", "index": 2, "kind": "RoCE v2", "netdev": "eth0"},
  {"addr": "198.51.100.1", "index": 3, "kind": "RoCE v2", "netdev": "eth0.100"}],
 "netdev": "eth0", "addresses": ["10.77.0.1/24"], "mtu": 1500,
 "active_mtu": 1024, "max_mtu": 4096, "speed_gbps": 2.5, "numa_node": 1,
 "max_message": 8388608, "max_read": 128, "max_read_out": 64}`
	if diff := cmp.Diff(decode(t, []byte(want)), decode(t, encode(t, got[0]))); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	if s := got[0].String(); s != "rxe0/1 on eth0 (10.77.0.1/24)" {
		t.Errorf("String() = %q", s)
	}
	if got[0].GIDs[2].Raw() != gid("10.77.0.1") || !got[0].GIDs[2].Raw().IsIPv4Mapped() {
		t.Errorf("Raw() = %v", got[0].GIDs[2].Raw())
	}
	if why := got[0].Unusable(); why != "" {
		t.Errorf("unusable: %s", why)
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decode(t *testing.T, b []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// A port without GIDs, as one whose link is down may be, has its network device by sysfs.
func TestAssembleWithoutGIDs(t *testing.T) {
	t.Parallel()
	for name, sysfs := range map[string]fs.FS{
		"software": fstest.MapFS{"class/infiniband/rxe0/parent": {Data: []byte("eth0\n")}},
		"PCI": fstest.MapFS{
			"class/infiniband/rxe0/device/net/eth0.100": {Mode: fs.ModeDir},
			"class/infiniband/rxe0/device/net/eth0":     {Mode: fs.ModeDir},
			"class/net/eth0.100/dev_port":               {Data: []byte("1\n")},
			"class/net/eth0/dev_port":                   {Data: []byte("0\n")},
		},
	} {
		f := rxeFacts()
		f.gids, f.ports[0].State = nil, verbs.PortDown
		r := assemble(f, testLinks, sysfs)[0]
		if r.NetDev != "eth0" || r.MTU != 1500 || r.NUMANode != -1 {
			t.Errorf("%s: netdev %q, MTU %d, NUMA node %d", name, r.NetDev, r.MTU, r.NUMANode)
		}
		if r.Unusable() != "port DOWN" {
			t.Errorf("%s: Unusable() = %q", name, r.Unusable())
		}
	}
}

func TestAssembleProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*facts)
		want   string
	}{
		"iWARP": {
			func(f *facts) { f.info.Transport = verbs.TransportIWARP },
			"iWARP: its connections need the RDMA connection manager, which rdmacp does not use",
		},
		"usNIC": {
			func(f *facts) { f.info.Transport = verbs.TransportUSNIC },
			"transport usNIC has no RDMA READ and WRITE",
		},
		"not opened": {
			func(f *facts) { *f = facts{info: f.info, err: errors.New("permission denied")} },
			"permission denied",
		},
		"no GID table": {
			func(f *facts) { f.gids, f.err = nil, errors.New("no table") },
			"no table",
		},
		"no link layer": {
			func(f *facts) { f.ports[0].LinkLayer = verbs.LinkLayerUnspecified },
			"link layer is neither Ethernet nor InfiniBand",
		},
	} {
		f := rxeFacts()
		c.change(&f)
		rails := assemble(f, testLinks, fstest.MapFS{})
		if len(rails) != 1 || rails[0].Unusable() != c.want {
			t.Errorf("%s: %+v", name, rails)
		}
	}
}

func TestSpeed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		speed, width uint8
		want         float64
	}{{1, 1, 2.5}, {4, 2, 40}, {32, 2, 100}, {64, 2, 200}, {128, 2, 400}, {128, 4, 800}, {32, 1, 25}, {0, 0, 0}, {3, 2, 0}} {
		if got := speed(c.speed, c.width); got != c.want {
			t.Errorf("speed(%d, %d) = %v, want %v", c.speed, c.width, got, c.want)
		}
	}
}

func TestNUMANode(t *testing.T) {
	t.Parallel()
	sysfs := fstest.MapFS{
		"class/infiniband/mlx5_0/device/numa_node": {Data: []byte("3\n")},
		"class/infiniband/mlx5_1/device/numa_node": {Data: []byte("-1\n")},
		"class/net/eth1/device/numa_node":          {Data: []byte("2\n")},
		"class/net/eth2":                           {Mode: fs.ModeSymlink, Data: []byte("../../devices/pci0/41/virtio4/net/eth2")},
		"devices/pci0/41/numa_node":                {Data: []byte("4\n")},
		"class/net/eth3":                           {Mode: fs.ModeSymlink, Data: []byte("../../devices/virtual/net/eth3")},
	}
	for _, c := range []struct {
		device, netDev string
		want           int
	}{{"mlx5_0", "eth1", 3}, {"mlx5_1", "eth1", 2}, {"mlx5_1", "", -1}, {"rxe0", "eth1", 2}, {"rxe0", "eth0", -1}, {"rxe0", "eth2", 4}, {"rxe0", "eth3", -1}} {
		if got := numaNode(sysfs, c.device, c.netDev); got != c.want {
			t.Errorf("numaNode(%q, %q) = %d, want %d", c.device, c.netDev, got, c.want)
		}
	}
}
