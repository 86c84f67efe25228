package device

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/jsimonetti/rtnetlink/v2"
	"golang.org/x/sys/unix"
)

// readLinks lists the network devices of this network namespace with their addresses.
func readLinks() (_ []link, err error) {
	conn, err := rtnetlink.Dial(nil)
	if err != nil {
		return nil, fmt.Errorf("rtnetlink: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()

	msgs, err := conn.Link.List()
	if err != nil {
		return nil, fmt.Errorf("rtnetlink: links: %w", err)
	}
	links := make([]link, 0, len(msgs))
	for _, m := range msgs {
		if m.Attributes == nil {
			continue
		}
		links = append(links, link{
			index: m.Index, name: m.Attributes.Name, mtu: int(m.Attributes.MTU),
			infiniBand: m.Type == unix.ARPHRD_INFINIBAND,
		})
	}

	addrs, err := conn.Address.List()
	if err != nil {
		return nil, fmt.Errorf("rtnetlink: addresses: %w", err)
	}
	for _, a := range addrs {
		prefix, ok := prefixOf(a)
		for i := range links {
			if ok && links[i].index == a.Index {
				links[i].addrs = append(links[i].addrs, prefix)
			}
		}
	}
	return links, nil
}

// prefixOf is the address that a message is about. On a point-to-point link Address is
// the other end's, and Local is ours; elsewhere the kernel sends both for IPv4, and
// Address alone for IPv6.
func prefixOf(m rtnetlink.AddressMessage) (netip.Prefix, bool) {
	if m.Attributes == nil {
		return netip.Prefix{}, false
	}
	ip := m.Attributes.Local
	if ip == nil {
		ip = m.Attributes.Address
	}
	addr, ok := netip.AddrFromSlice(ip)
	return netip.PrefixFrom(addr.Unmap(), int(m.PrefixLength)), ok
}
