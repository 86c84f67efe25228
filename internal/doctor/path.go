package doctor

import (
	"fmt"
	"iter"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// paths compares the two ends of each rail between the hosts.
func paths(host string, p *client.Ends) (all []Finding) {
	for here, there := range pairs(p) {
		all = append(all, pathOf(host, here, there))
	}
	if all == nil {
		return []Finding{skip(checkPath, "no session by RDMA")}
	}
	return all
}

// pairs are the ends of the rails of RDMA that both hosts use.
func pairs(p *client.Ends) iter.Seq2[transport.Endpoint, transport.Endpoint] {
	return func(yield func(here, there transport.Endpoint) bool) {
		if p == nil || p.Here.Kind != transport.RDMA || p.There.Kind != transport.RDMA || !yield(p.Here, p.There) {
			return
		}
		for i, more := range p.Here.More {
			if i < len(p.There.More) && len(more.QPs) > 0 && len(p.There.More[i].QPs) > 0 && !yield(more, p.There.More[i]) {
				return
			}
		}
	}
}

// pathOf is the finding of a rail. The families of the GIDs are the same, or there is none.
func pathOf(host string, here, there transport.Endpoint) Finding {
	said := fmt.Sprintf("%s <-> %s, packets of %d/%d bytes, %d/%d READs", endOf(here), endOf(there), here.MTU, there.MTU, here.MaxRead, there.MaxRead)
	if here.MTU == there.MTU {
		return ok(checkPath, said)
	}
	side, less, more := "on this host", here, there.MTU
	if there.MTU < here.MTU {
		side, less, more = "on "+host, there, here.MTU
	}
	return warn(checkPath, fmt.Sprintf("%s: both ends keep to the %d of %s %s", said, less.MTU, less.Device, side),
		fmt.Sprintf("raise the MTU of the network device of %s %s (`ip link set DEV mtu 9000`; %d at least for packets of 4096 bytes), and see that the switches between let as much pass, or packets of %d are lost",
			less.Device, side, fullNetMTU, more))
}

// endOf is an end of a rail: "rxe0/1 10.77.0.1 (index 1, RoCE v2)".
func endOf(e transport.Endpoint) string {
	kind := "RoCE v2"
	if e.LinkLayer == transport.InfiniBand {
		kind = "InfiniBand"
	}
	if e.GIDIndex >= 0 {
		kind = fmt.Sprintf("index %d, %s", e.GIDIndex, kind)
	}
	return fmt.Sprintf("%s %s (%s)", e.Device, e.GID.Unmap(), kind)
}
