package device

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/jsimonetti/rtnetlink/v2"
	"golang.org/x/sys/unix"
)

// NextHop asks the kernel by which network device packets to peer leave this host, and whether
// the neighbour that they go to answers. A peer that no route leads to is a fault of code
// fault.Path.
func NextHop(ctx context.Context, peer netip.Addr) (h Hop, err error) {
	conn, err := rtnetlink.Dial(nil)
	if err != nil {
		return Hop{}, fmt.Errorf("rtnetlink: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	peer = peer.Unmap().WithZone("")
	route, netDev, err := resolve(ctx, conn, peer)
	if err != nil {
		return Hop{}, err
	}
	out := route.Attributes
	h = Hop{NetDev: netDev, Via: peer, Local: route.Type == unix.RTN_LOCAL}
	if via, ok := netip.AddrFromSlice(out.Gateway); ok {
		h.Via = via.Unmap()
	}
	neighbours, err := conn.Neigh.List()
	if err != nil {
		return Hop{}, fmt.Errorf("rtnetlink: neighbours: %w", err)
	}
	for _, n := range neighbours {
		if n.Attributes == nil || n.Index != out.OutIface {
			continue
		}
		if a, ok := netip.AddrFromSlice(n.Attributes.Address); ok && a.Unmap() == h.Via {
			h.Neighbour, h.Silent = neighbourState(n.State)
		}
	}
	return h, nil
}

// neighbourState is the name of the state of an entry of the kernel's table, and whether that
// says that nobody answers.
func neighbourState(s uint16) (name string, silent bool) {
	for _, state := range []struct {
		bit  uint16
		name string
	}{
		{unix.NUD_FAILED, "FAILED"},
		{unix.NUD_INCOMPLETE, "INCOMPLETE"},
		{unix.NUD_PERMANENT, "PERMANENT"},
		{unix.NUD_NOARP, "NOARP"},
		{unix.NUD_REACHABLE, "REACHABLE"},
		{unix.NUD_STALE, "STALE"},
		{unix.NUD_DELAY, "DELAY"},
		{unix.NUD_PROBE, "PROBE"},
	} {
		if s&state.bit != 0 {
			return state.name, state.bit == unix.NUD_FAILED || state.bit == unix.NUD_INCOMPLETE
		}
	}
	return "", false
}
