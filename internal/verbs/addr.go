package verbs

import "net/netip"

// GID is the 128-bit address of a port. On RoCE v2 it is the IPv6 or IPv4-mapped address of the network device.
type GID [16]byte

// IsZero reports whether the GID is unset, as an empty entry of a GID table is.
func (g GID) IsZero() bool { return g == GID{} }

// IsIPv4Mapped reports whether the GID is an IPv4 address in ::ffff:0:0/96.
func (g GID) IsIPv4Mapped() bool { return netip.AddrFrom16(g).Is4In6() }

// IsLinkLocal reports whether the GID is in fe80::/10 or is a mapped IPv4 address in 169.254.0.0/16.
func (g GID) IsLinkLocal() bool { return g.Addr().IsLinkLocalUnicast() }

// Addr returns the GID as an IP address; one that is IPv4-mapped comes back as IPv4.
func (g GID) Addr() netip.Addr { return netip.AddrFrom16(g).Unmap() }

// String prints the GID as an IPv6 address, mapped ones as ::ffff:a.b.c.d.
func (g GID) String() string { return netip.AddrFrom16(g).String() }

// MarshalText encodes the GID as String does.
func (g GID) MarshalText() ([]byte, error) { return netip.AddrFrom16(g).MarshalText() }

// GIDEntry is one valid entry of a device's GID tables.
type GIDEntry struct {
	GID GID
	// Index is the entry's place in the table of its port. It is local: peers must not be told it.
	Index uint32
	Port  uint32
	Type  GIDType
	// NDevIfIndex is the interface index of the network device behind the entry, or 0 if there is none.
	NDevIfIndex uint32
}
