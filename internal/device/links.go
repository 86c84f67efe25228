package device

import "net/netip"

// link is a network device.
type link struct {
	index      uint32
	name       string
	mtu        int // bytes
	infiniBand bool
	addrs      []netip.Prefix
}
