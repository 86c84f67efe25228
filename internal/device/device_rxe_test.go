//go:build linux

package device

import (
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/Mellanox/rdmamap"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/testenv"
)

// The guest of these tests has two Soft-RoCE devices on the two ends of one wire.
var guest = map[string]netip.Addr{
	"rxe0": netip.MustParseAddr("10.77.0.1"),
	"rxe1": netip.MustParseAddr("10.77.0.2"),
}

// requireRXE returns the rails of a host with the guest's devices; on any other it skips,
// or fails if RDMA_TEST=required.
func requireRXE(t *testing.T) []Rail {
	t.Helper()
	rails, err := Rails()
	if err == nil {
		err = missing(rails)
	}
	if err != nil {
		testenv.Missing(t, "the two Soft-RoCE devices of hack/softroce/vm (%v)", err)
	}
	return rails
}

// missing returns an error that names a device of the guest which is not among rails.
func missing(rails []Rail) error {
	for name := range guest {
		if _, ok := railOf(rails, name); !ok {
			return noSuchDevice(rails, name)
		}
	}
	return nil
}

func railOf(rails []Rail, device string) (Rail, bool) {
	for _, r := range rails {
		if r.Device == device {
			return r, true
		}
	}
	return Rail{}, false
}

func TestRXERails(t *testing.T) {
	rails := requireRXE(t)
	for device, a := range guest {
		r, _ := railOf(rails, device)
		t.Logf("%v: %s", r, encode(t, r))
		if why := r.Unusable(); why != "" {
			t.Errorf("%s is unusable: %s", r.Name(), why)
		}
		if r.Port != 1 || r.Transport != "InfiniBand" || r.LinkLayer != Ethernet || r.State != StateActive {
			t.Errorf("%s is %s, %s, %s", r.Name(), r.Transport, r.LinkLayer, r.State)
		}
		if r.NetDev == "" || r.MTU < 1280 || r.ActiveMTU < 1024 || r.ActiveMTU > r.MTU || r.MaxMTU != 4096 {
			t.Errorf("%s: netdev %q, MTU %d, active %d, max %d", r.Name(), r.NetDev, r.MTU, r.ActiveMTU, r.MaxMTU)
		}
		if r.MaxMessage < 8<<20 || r.MaxRead < 16 || r.MaxReadOut < 16 || r.SpeedGbps <= 0 {
			t.Errorf("%s: max message %d, reads %d and %d, speed %v", r.Name(), r.MaxMessage, r.MaxRead, r.MaxReadOut, r.SpeedGbps)
		}
		hasGID, hasAddress := false, false
		for _, g := range r.GIDs {
			hasGID = hasGID || g.Addr == a && g.Kind == RoCEv2 && g.NetDev == r.NetDev
		}
		for _, p := range r.Addresses {
			hasAddress = hasAddress || p.Addr() == a
		}
		if !hasGID || !hasAddress {
			t.Errorf("%s lacks %v among its GIDs %v or addresses %v", r.Name(), a, r.GIDs, r.Addresses)
		}
	}
}

// rdmamap and sysfs say the same about network devices as the GID tables do.
func TestRXEWitnessesAgree(t *testing.T) {
	rails := requireRXE(t)
	for device := range guest {
		r, _ := railOf(rails, device)
		if owner, err := rdmamap.GetRdmaDeviceForNetdevice(r.NetDev); err != nil || owner != device {
			t.Errorf("rdmamap has %q, %v behind %s, verbs %q", owner, err, r.NetDev, device)
		}
		if n := netDevBySysfs(os.DirFS("/sys"), device, 1); n != r.NetDev {
			t.Errorf("sysfs has %q below %s, verbs %q", n, device, r.NetDev)
		}
		nodes := nodesOf(device)
		if len(nodes) != 1 || !strings.HasPrefix(nodes[0], "/dev/infiniband/uverbs") {
			t.Errorf("nodes of %s: %q", device, nodes)
		}
	}
}

func TestRXEChoose(t *testing.T) {
	rails := requireRXE(t)
	for device, a := range guest {
		for name, w := range map[string]Want{
			"by address": {Local: a, Peer: a},
			"by name":    {Device: device, Local: netip.MustParseAddr("127.0.0.1")},
			"by port":    {Device: device + "/1", Local: netip.MustParseAddr("192.0.2.1"), Peer: netip.MustParseAddr("192.0.2.2")},
		} {
			c, err := Choose(rails, w)
			if err != nil || c.Rail.Device != device || c.GID.Addr != a || c.GID.Kind != RoCEv2 {
				t.Errorf("%s %s: %v, %v", name, device, c, err)
			}
		}
	}
	if c, err := Choose(rails, Want{}); err != nil || c.Rail.Device != "rxe0" {
		t.Errorf("nothing known: %v, %v", c, err)
	}
	if _, err := Choose(rails, Want{Device: "rxe7"}); fault.CodeOf(err) != fault.NoDevice {
		t.Errorf("rxe7: %v", err)
	}
}

// The kernel's word about the route to an address beyond one wire chooses the rail on it.
func TestRXERoute(t *testing.T) {
	rails := requireRXE(t)
	beyond := netip.MustParseAddr("10.77.0.9")
	netDev, src, err := Route(t.Context(), beyond)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v is reached by %s from %v", beyond, netDev, src)
	c, err := Choose(rails, Want{Peer: beyond, RouteNetDev: netDev, RouteSrc: src})
	if err != nil || c.Rail.NetDev != netDev || c.GID.Addr != src {
		t.Errorf("chose %v, %v", c, err)
	}
}

// Listing is repeated for every connection, so it must give back all it takes.
func TestRXERailsLeaveNothingOpen(t *testing.T) {
	requireRXE(t)
	before := testenv.OpenFiles()
	for range 10 {
		if _, err := Rails(); err != nil {
			t.Fatal(err)
		}
	}
	if after := testenv.OpenFiles(); len(after) != len(before) {
		t.Errorf("before %q\nafter  %q", before, after)
	}
}
