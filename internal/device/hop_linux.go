package device

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/jsimonetti/rtnetlink/v2"
	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/fault"
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
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()

	peer = peer.Unmap().WithZone("")
	routes, err := conn.Route.Get(routeTo(peer))
	switch {
	case ctx.Err() != nil:
		return Hop{}, context.Cause(ctx)
	case err != nil:
		return Hop{}, fault.New(fault.Path, fmt.Sprintf("finding the route to %v", peer), err, "look at `ip route get "+peer.String()+"`")
	case len(routes) == 0 || routes[0].Attributes.OutIface == 0:
		return Hop{}, fmt.Errorf("rtnetlink: no device on the route to %v", peer)
	}
	out := routes[0].Attributes
	link, err := conn.Link.Get(out.OutIface)
	if err != nil {
		return Hop{}, fmt.Errorf("rtnetlink: link %d: %w", out.OutIface, err)
	}
	h = Hop{Via: peer, Local: routes[0].Type == unix.RTN_LOCAL}
	if link.Attributes != nil {
		h.NetDev = link.Attributes.Name
	}
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
