package device

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Rail is one port of an RDMA device. Its JSON form is that of `rdmacp devices --json`.
type Rail struct {
	Device    string    `json:"device"`
	Port      int       `json:"port"`      // 1 for the first
	Transport string    `json:"transport"` // InfiniBand, which includes RoCE, or iWARP, usNIC
	State     string    `json:"state"`     // as ibv_devinfo says it, without the prefix: ACTIVE, DOWN, INIT, ARMED
	LinkLayer LinkLayer `json:"link_layer"`
	LID       uint16    `json:"lid,omitempty"` // InfiniBand only

	// GRHRequired says that an InfiniBand port cannot be reached by LID alone. On Ethernet
	// every packet has the GIDs in it anyway.
	GRHRequired bool `json:"grh_required,omitempty"`

	// GIDs are the port's addresses, in the order of its table.
	GIDs []GID `json:"gids"`

	// NetDev is the network device on the same wire; empty if there is none or it is not known.
	NetDev string `json:"netdev,omitempty"`
	// Addresses are those of NetDev.
	Addresses []netip.Prefix `json:"addresses,omitempty"`
	// MTU is that of NetDev, in bytes.
	MTU int `json:"mtu,omitempty"`

	// ActiveMTU and MaxMTU are the payload of one RDMA packet in bytes, now and at best.
	ActiveMTU int `json:"active_mtu"`
	MaxMTU    int `json:"max_mtu"`

	// SpeedGbps is the signalling rate of the link as the driver states it. For Soft-RoCE it
	// is nominal.
	SpeedGbps float64 `json:"speed_gbps"`
	// NUMANode is the node that the device is attached to, or -1 if it is not known.
	NUMANode int `json:"numa_node"`

	// MaxMessage is the longest message, and so the longest chunk, in bytes.
	MaxMessage uint32 `json:"max_message"`
	// MaxRead is how many READs a queue pair answers at once, MaxReadOut how many it starts.
	MaxRead    int `json:"max_read"`
	MaxReadOut int `json:"max_read_out"`

	// Problem is why the rail cannot be used, where that was seen when it was listed.
	Problem string `json:"problem,omitempty"`
}

// LinkLayer is the kind of network below a rail.
type LinkLayer string

// The link layers.
const (
	Ethernet   LinkLayer = "ethernet"
	InfiniBand LinkLayer = "infiniband"
	NoLink     LinkLayer = "unknown"
)

// StateActive is the state of a port that carries data.
const StateActive = "ACTIVE"

// Name is device and port, "rxe0/1": the name by which [Want] and people mean a rail.
func (r Rail) Name() string { return fmt.Sprintf("%s/%d", r.Device, r.Port) }

// String names the rail and what it is attached to: "rxe0/1 on eth0 (10.77.0.1/24)".
func (r Rail) String() string {
	s := r.Name()
	if r.NetDev != "" {
		s += " on " + r.NetDev
	}
	if len(r.Addresses) > 0 {
		addrs := make([]string, len(r.Addresses))
		for i, a := range r.Addresses {
			addrs[i] = a.String()
		}
		s += " (" + strings.Join(addrs, ", ") + ")"
	}
	return s
}

// Unusable says why no connection can use the rail, in a few words, and is empty for a
// rail that can be used.
func (r Rail) Unusable() string {
	if why := r.Idle(); why != "" {
		return why
	}
	switch {
	case len(r.usableGIDs()) > 0:
		return ""
	case r.LinkLayer == Ethernet:
		return "no RoCE v2 GID"
	}
	return "no GID"
}

// LinkLocal reports whether an Ethernet port can be used, but has no other addresses than link-local ones:
// Choose takes it only where the device is named.
func (r Rail) LinkLocal() bool {
	gids := r.usableGIDs()
	return r.LinkLayer == Ethernet && len(gids) > 0 && !slices.ContainsFunc(gids, func(g GID) bool { return !g.IsLinkLocal() })
}

// Idle says why the port carries nothing, whatever addresses it has, and is empty for one
// that carries something.
func (r Rail) Idle() string {
	switch {
	case r.Problem != "":
		return r.Problem
	case r.State != StateActive:
		return "port " + r.State
	case r.LinkLayer == NoLink:
		return "link layer is neither Ethernet nor InfiniBand"
	}
	return ""
}

// Unaddressed says why no other host finds an address on the rail that it could use, and is
// empty for a rail that has one. A link-local GID serves who names the device, and nobody else.
func (r Rail) Unaddressed() string {
	usable := r.usableGIDs()
	switch {
	case slices.ContainsFunc(usable, func(g GID) bool { return r.LinkLayer == InfiniBand || !g.IsLinkLocal() }):
		return ""
	case len(usable) > 0:
		return onlyLinkLocal
	case len(r.GIDs) == 0:
		return "no GID: its table is empty, or all zero"
	case r.LinkLayer == Ethernet:
		return "no RoCE v2 GID, only those of " + string(r.GIDs[0].Kind)
	}
	return "no GID at index 0"
}

// onlyLinkLocal is what is said of a rail that has no better GIDs.
const onlyLinkLocal = "only link-local GIDs (fe80::/10 or 169.254.0.0/16)"

// usableGIDs are the GIDs that a connection can use: those of RoCE v2 on Ethernet,
// since v1 is not routed and both ends must use the same kind; the first one on
// InfiniBand, where packets find their way by LID.
func (r Rail) usableGIDs() []GID {
	var out []GID
	for _, g := range r.GIDs {
		if r.LinkLayer == Ethernet && g.Kind == RoCEv2 || r.LinkLayer == InfiniBand && g.Index == 0 {
			out = append(out, g)
		}
	}
	return out
}
