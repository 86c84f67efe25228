package doctor

import (
	"context"
	"fmt"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// routes looks at how packets to the other end of each rail leave this host. The NIC goes by
// the kernel's routes and neighbours, but always by its own wire.
func (h Host) routes(ctx context.Context, p *client.Ends) []Finding {
	switch {
	case h.NextHop == nil:
		return []Finding{skip(checkRoute, "not Linux")}
	case p == nil:
		return []Finding{skip(checkRoute, "no session by RDMA")}
	}
	rails, err := h.Rails()
	if err != nil {
		return []Finding{skip(checkRoute, "no device")}
	}
	var all []Finding
	for here, there := range pairs(p) {
		if here.LinkLayer == transport.InfiniBand {
			continue // packets find their way by LID
		}
		all = append(all, h.route(ctx, netDev(rails, here), here, there))
	}
	if all == nil {
		return []Finding{skip(checkRoute, "no port of RoCE")}
	}
	return all
}

// route is the finding of a rail on a network device, which is empty if it is not known.
func (h Host) route(ctx context.Context, dev string, here, there transport.Endpoint) Finding {
	peer := there.GID.Unmap()
	hop, err := h.NextHop(ctx, peer)
	if err != nil {
		return failed(checkRoute, err)
	}
	said := fmt.Sprintf("%s: packets to %v leave by %s", here.Device, peer, hop.NetDev)
	if hop.Local {
		return ok(checkRoute, said+": it is this host")
	}
	if hop.Via != peer {
		said += fmt.Sprintf(", via %v", hop.Via)
	}
	if hop.Neighbour != "" {
		said += fmt.Sprintf(", neighbour %s", hop.Neighbour)
	}
	switch {
	case dev != "" && hop.NetDev != dev:
		return warn(checkRoute, fmt.Sprintf("%s, and %s is on %s", said, here.Device, dev),
			fmt.Sprintf("give the networks of %s and %s prefixes of their own, or a route to %v by %s; see `ip route get %v`, and which device is on %s: rdmacp devices", hop.NetDev, dev, peer, dev, peer, hop.NetDev))
	case hop.Silent:
		return warn(checkRoute, fmt.Sprintf("%s: %v does not answer there", said, hop.Via),
			fmt.Sprintf("see that %v is an address of the network that %s is on, with the same VLAN and prefix at both ends: `ip neighbour show dev %s`", hop.Via, hop.NetDev, hop.NetDev))
	}
	return ok(checkRoute, said)
}

// netDev is the network device that an end's GID belongs to: the rail's own, or a VLAN on it.
func netDev(rails []device.Rail, e transport.Endpoint) string {
	for _, r := range rails {
		if r.Name() != e.Device {
			continue
		}
		for _, g := range r.GIDs {
			if g.Addr == e.GID.Unmap() && g.NetDev != "" && g.Kind == device.RoCEv2 {
				return g.NetDev
			}
		}
		return r.NetDev
	}
	return ""
}
