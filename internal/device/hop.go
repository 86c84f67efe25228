package device

import "net/netip"

// Hop is where packets to a peer go first.
type Hop struct {
	NetDev    string
	Local     bool       // the peer is this host itself
	Via       netip.Addr // the peer, or the gateway on the way to it
	Neighbour string     // state of its entry in the kernel's table, as `ip neighbour` says it; empty: it has none
	Silent    bool       // that state says that it does not answer
}
