package device

import (
	"net/netip"
	"testing"
)

func TestLinkLocal(t *testing.T) {
	t.Parallel()
	local, routed := GID{Addr: netip.MustParseAddr("fe80::1"), Kind: RoCEv2}, GID{Addr: netip.MustParseAddr("10.0.0.1"), Kind: RoCEv2}
	for name, c := range map[string]struct {
		rail Rail
		want bool
	}{
		"local":      {Rail{LinkLayer: Ethernet, GIDs: []GID{local}}, true},
		"both":       {Rail{LinkLayer: Ethernet, GIDs: []GID{local, routed}}, false},
		"none":       {Rail{LinkLayer: Ethernet}, false},
		"v1":         {Rail{LinkLayer: Ethernet, GIDs: []GID{{Addr: local.Addr, Kind: RoCEv1}}}, false},
		"infiniband": {Rail{LinkLayer: InfiniBand, GIDs: []GID{{Addr: local.Addr}}}, false}, // all have that prefix
	} {
		if got := c.rail.LinkLocal(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
