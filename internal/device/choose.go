package device

import (
	"net/netip"
)

// Want is what is known about a connection before a rail is chosen for it. All of it may
// be empty.
type Want struct {
	// Device is the rail that the user named: "rxe0" for any port, "rxe0/1" for one.
	Device string

	// Local and Peer are the addresses of the control connection. Local is loopback, or
	// not valid as on a unix socket, where both ends are on this host.
	Local, Peer netip.Addr

	// RouteNetDev and RouteSrc are what [Route] says about Peer.
	RouteNetDev string
	RouteSrc    netip.Addr
}

// Choice is what a connection uses.
type Choice struct {
	Rail Rail
	GID  GID
}

// String is the choice as a line of output names it: "rxe0/1 10.77.0.1 (RoCE v2)".
func (c Choice) String() string { return c.Rail.Name() + " " + c.GID.String() }

// Choose chooses the rail and the GID that a connection uses, among active ports, and the
// RoCE v2 GIDs of Ethernet ports. It looks, in this order, for
//
//  1. the GID that is the control connection's own address, Local;
//  2. the GID that is RouteSrc, on RouteNetDev;
//  3. a GID on RouteNetDev;
//  4. the best GID of the device that was named, or, if the control connection does not
//     leave the host, of any;
//  5. an InfiniBand port, which needs no IP address.
//
// Where a device was named, only its ports are looked at. The best GID is one of Peer's
// address family (IPv4 if Peer is not known or loopback), else a global one of the other
// family; a link-local one is taken only from a device that was named and has nothing
// else. Of equals the first in the order of rails, and then of the GID table, is taken.
//
// If nothing fits, the error is a fault of code fault.NoDevice that says for each rail why
// it was passed over.
func Choose(rails []Rail, want Want) (Choice, error) {
	named, err := parseName(want.Device)
	if err != nil {
		return Choice{}, err
	}
	want.Local = want.Local.WithZone("").Unmap()
	want.Peer = want.Peer.WithZone("").Unmap()
	want.RouteSrc = want.RouteSrc.WithZone("").Unmap()

	var candidates, passed []Rail
	for _, r := range rails {
		switch {
		case !named.matches(r):
		case r.Unusable() != "":
			passed = append(passed, r)
		default:
			candidates = append(candidates, r)
		}
	}
	if len(candidates)+len(passed) == 0 {
		return Choice{}, noSuchDevice(rails, want.Device)
	}
	if c, ok := want.pick(candidates); ok {
		return c, nil
	}
	return Choice{}, nothingFits(candidates, passed, want)
}

// pick takes the first of the steps of Choose that finds something.
func (w Want) pick(rails []Rail) (Choice, bool) {
	onRoute := func(g GID) bool { return w.RouteNetDev != "" && g.NetDev == w.RouteNetDev }
	inFamily := func(g GID) bool { return g.Addr.Is4() == w.ipv4() }
	global := func(g GID) bool { return !g.IsLinkLocal() }

	if c, ok := w.best(rails, func(r Rail, g GID) bool { return has(r, g, w.Local) }); ok {
		return c, true
	}
	if c, ok := w.best(rails, func(r Rail, g GID) bool { return onRoute(g) && has(r, g, w.RouteSrc) }); ok {
		return c, true
	}
	if c, ok := w.best(rails, func(_ Rail, g GID) bool { return onRoute(g) && inFamily(g) && global(g) }); ok {
		return c, true
	}
	if w.Device != "" {
		return w.best(rails, func(Rail, GID) bool { return true })
	}
	if !w.leavesHost() {
		return w.best(rails, func(r Rail, g GID) bool { return r.LinkLayer == InfiniBand || global(g) })
	}
	return w.best(rails, func(r Rail, _ GID) bool { return r.LinkLayer == InfiniBand })
}

// has reports whether a rail's GID stands for an address that is good beyond its link: it
// is the GID itself on Ethernet, and an address of the IPoIB device on InfiniBand.
func has(r Rail, g GID, a netip.Addr) bool {
	if !a.IsValid() || a.IsLoopback() || a.IsUnspecified() || a.Is6() && a.IsLinkLocalUnicast() {
		return false
	}
	if r.LinkLayer == InfiniBand {
		for _, p := range r.Addresses {
			if p.Addr() == a {
				return true
			}
		}
		return false
	}
	return g.Addr == a
}

// ipv4 reports whether the GID should be an IPv4 one, as both ends' have to be of one
// family. Between programs on one host either would do.
func (w Want) ipv4() bool { return !w.Peer.IsValid() || w.Peer.IsLoopback() || w.Peer.Is4() }

// leavesHost reports whether the control connection leads to another host.
func (w Want) leavesHost() bool {
	if w.Local.IsValid() {
		return !w.Local.IsLoopback()
	}
	return w.Peer.IsValid() && !w.Peer.IsLoopback()
}

// best returns the GID that scores highest among those that pass the filter.
func (w Want) best(rails []Rail, pass func(Rail, GID) bool) (Choice, bool) {
	var best Choice
	top := -1
	for _, r := range rails {
		for _, g := range r.usableGIDs() {
			if !pass(r, g) {
				continue
			}
			if s := w.score(r, g); s > top {
				top, best = s, Choice{Rail: r, GID: g}
			}
		}
	}
	return best, top >= 0
}

// score ranks the GIDs that would do. What is global comes before what is not, then the
// peer's family, then the route, then the port's own network device before its VLANs.
func (w Want) score(r Rail, g GID) int {
	s := 0
	for i, good := range []bool{
		g.NetDev == r.NetDev,
		w.RouteNetDev != "" && g.NetDev == w.RouteNetDev,
		r.LinkLayer == Ethernet && g.Addr.Is4() == w.ipv4(),
		r.LinkLayer == InfiniBand || !g.IsLinkLocal(),
	} {
		if good {
			s |= 1 << i
		}
	}
	return s
}
