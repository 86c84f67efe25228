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

// Route asks the kernel how packets to peer leave this host: by which network device, and
// with which source address, which is invalid if the kernel names none. A peer that no
// route leads to is a fault of code fault.Path.
func Route(ctx context.Context, peer netip.Addr) (netDev string, src netip.Addr, err error) {
	if !peer.IsValid() {
		return "", netip.Addr{}, errors.New("route: the peer's address is not valid")
	}
	conn, err := rtnetlink.Dial(nil)
	if err != nil {
		return "", netip.Addr{}, fmt.Errorf("rtnetlink: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	route, netDev, err := resolve(ctx, conn, peer.Unmap())
	if err != nil {
		return "", netip.Addr{}, err
	}
	src, _ = netip.AddrFromSlice(route.Attributes.Src)
	return netDev, src.Unmap(), nil
}

// resolve asks for the route to a peer, and the name of the device that it leaves by.
func resolve(ctx context.Context, conn *rtnetlink.Conn, peer netip.Addr) (route rtnetlink.RouteMessage, netDev string, err error) {
	// The kernel answers at once, unless it is in trouble.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()

	routes, err := conn.Route.Get(routeTo(peer))
	switch {
	case ctx.Err() != nil:
		return route, "", context.Cause(ctx)
	case err != nil:
		return route, "", fault.New(fault.Path, fmt.Sprintf("finding the route to %v", peer), err,
			"look at `ip route get "+peer.String()+"`")
	case len(routes) == 0 || routes[0].Attributes.OutIface == 0:
		return route, "", fmt.Errorf("rtnetlink: no device on the route to %v", peer)
	}
	link, err := conn.Link.Get(routes[0].Attributes.OutIface)
	if err != nil {
		return route, "", fmt.Errorf("rtnetlink: link %d: %w", routes[0].Attributes.OutIface, err)
	}
	if link.Attributes != nil {
		netDev = link.Attributes.Name
	}
	return routes[0], netDev, nil
}

// routeTo is the question.
func routeTo(peer netip.Addr) *rtnetlink.RouteMessage {
	family := unix.AF_INET6
	if peer.Is4() {
		family = unix.AF_INET
	}
	return &rtnetlink.RouteMessage{
		Family: uint8(family), DstLength: uint8(peer.BitLen()),
		Attributes: rtnetlink.RouteAttributes{Dst: peer.AsSlice()},
	}
}
