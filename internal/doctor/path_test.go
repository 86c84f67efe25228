package doctor

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// The two ends of a rail are held against each other, and the one with the smaller packets is
// named.
func TestPaths(t *testing.T) {
	t.Parallel()
	end := func(name, gid string, mtu int) transport.Endpoint {
		return transport.Endpoint{
			Kind: transport.RDMA, Device: name, GID: netip.MustParseAddr(gid), GIDIndex: 1, LinkLayer: transport.Ethernet, MTU: mtu, MaxRead: 16, QPs: make([]transport.QP, 1),
		}
	}
	p := &client.Ends{Here: end("rxe0/1", "::ffff:10.77.0.1", 4096), There: end("rxe0/1", "::ffff:10.77.0.2", 4096)}
	p.Here.More = []transport.Endpoint{end("rxe1/1", "fd77::1", 4096), {}, end("rxe3/1", "fd77:3::1", 1024)}
	p.There.More = []transport.Endpoint{end("rxe1/1", "fd77::2", 1024), end("rxe2/1", "fd77:2::2", 1024), end("mlx5_0/1", "fd77:3::2", 4096)}
	p.There.More[2].GIDIndex = -1
	all := paths("gpu7", p)
	want := []struct {
		status Status
		says   string
		fix    string
	}{
		{OK, "rxe0/1 10.77.0.1 (index 1, RoCE v2) <-> rxe0/1 10.77.0.2 (index 1, RoCE v2), packets of 4096/4096 bytes, 16/16 READs", ""},
		{Warn, "packets of 4096/1024 bytes, 16/16 READs: both ends keep to the 1024 of rxe1/1 on gpu7", "raise the MTU of the network device of rxe1/1 on gpu7"},
		{Warn, "<-> mlx5_0/1 fd77:3::2 (RoCE v2), packets of 1024/4096 bytes, 16/16 READs: both ends keep to the 1024 of rxe3/1 on this host", "of rxe3/1 on this host"},
	}
	if len(all) != len(want) {
		t.Fatalf("%+v", all)
	}
	for i, w := range want {
		f := all[i]
		fix := ""
		if f.Fault != nil {
			fix = f.Fault.Fix
		}
		if f.ID != "path" || f.Status != w.status || !strings.Contains(f.Observed, w.says) || !strings.Contains(fix, w.fix) || (w.fix == "") != (fix == "") {
			t.Errorf("%s %s; fix: %s", f.Status, f.Observed, fix)
		}
	}
	if byTCP := paths("gpu7", &client.Ends{Here: transport.Endpoint{Kind: transport.TCP}, There: transport.Endpoint{Kind: transport.TCP}}); len(byTCP) != 1 || byTCP[0].Status != Skip {
		t.Errorf("%+v", byTCP)
	}
}

// RDMA has a second, or more where TCP, too, was slow, or nothing is known of it.
func TestPatience(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]time.Duration{
		time.Millisecond: time.Second, 50 * time.Millisecond: time.Second, 123 * time.Millisecond: 2500 * time.Millisecond, time.Second: 5 * time.Second,
	} {
		if got := patience(moved{took: took}, true); got != want {
			t.Errorf("%v by TCP: %v by RDMA, want %v", took, got, want)
		}
	}
	if got := patience(moved{}, false); got != 5*time.Second {
		t.Errorf("without TCP: %v", got)
	}
}

// Where nothing comes through it is told by what this end has received what it is that keeps it.
func TestSilent(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]packets{
		"nothing came through within 2s":                                              {},
		"within 2s: packets of gpu7 get here, and what it is sent does not get there": {received: 7, lost: 7},
		"packets come through, but so many are lost that it did not end within 2s":    {received: 30, lost: 6, gaps: 4},
	} {
		f, ok := fault.As(silent("gpu7", p, 2*time.Second))
		if !ok || f.Code != fault.Path || !strings.HasSuffix(f.Error(), want) || strings.Contains(f.Fix, "4791") != (p.gaps == 0) {
			t.Errorf("%+v: %v; fix: %s", p, f, f.Fix)
		}
	}
}
