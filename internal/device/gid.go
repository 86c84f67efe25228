package device

import (
	"fmt"
	"net/netip"

	"github.com/rdmacp/rdmacp/internal/verbs"
)

// GID is an address of a rail.
type GID struct {
	// Addr is the GID as an IP address: IPv4 where it is IPv4-mapped.
	Addr netip.Addr `json:"addr"`
	// Index is its place in the port's table. It means nothing on another host.
	Index int     `json:"index"`
	Kind  GIDKind `json:"kind"`
	// NetDev is the network device that has the address: the rail's own, or a VLAN on it.
	NetDev string `json:"netdev,omitempty"`
}

// GIDKind is how a GID's packets look on the wire.
type GIDKind string

// The kinds of GID. Their values are the names that sysfs has for them.
const (
	IB     GIDKind = "IB"
	RoCEv1 GIDKind = "RoCE v1"
	RoCEv2 GIDKind = "RoCE v2"
)

// Raw is the GID in 16 bytes, IPv4 as IPv4-mapped IPv6.
func (g GID) Raw() verbs.GID { return g.Addr.As16() }

// IsLinkLocal reports whether the address is good on one link only.
func (g GID) IsLinkLocal() bool { return g.Addr.IsLinkLocalUnicast() }

// String is address and kind: "10.77.0.1 (RoCE v2)".
func (g GID) String() string { return fmt.Sprintf("%v (%s)", g.Addr, g.Kind) }
