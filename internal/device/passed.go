package device

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// noSuchDevice says that the device which was named is not there, and which are. Without
// a name, it says that there is none at all.
func noSuchDevice(rails []Rail, name string) error {
	if len(rails) == 0 {
		return fault.New(fault.NoDevice, "choosing an RDMA device", errors.New("this host has none"), softRoCE)
	}
	known := nearest(rails, name)
	return fault.New(fault.NoDevice, fmt.Sprintf("using RDMA device %q", name),
		fmt.Errorf("there is no such device; there is %s", strings.Join(known, ", ")),
		"name one of these, perhaps "+known[0])
}

// nothingFits says for every rail that was looked at why it cannot serve the connection.
func nothingFits(candidates, passed []Rail, w Want) error {
	var why []string
	for _, r := range candidates {
		why = append(why, r.Name()+": "+w.mismatch(r))
	}
	for _, r := range passed {
		why = append(why, r.Name()+": "+r.Unusable())
	}
	what := "choosing an RDMA device"
	if w.Device != "" {
		what = fmt.Sprintf("using RDMA device %q", w.Device)
	}
	f := fault.New(fault.NoDevice, what, errors.New(strings.Join(why, "; ")), fix(candidates, passed))
	f.Check = "ports"
	if len(candidates) > 0 {
		f.Check = "gid"
	}
	return f
}

// mismatch says why a usable rail was not chosen.
func (w Want) mismatch(r Rail) string {
	var have []string
	for _, g := range r.usableGIDs() {
		if !g.IsLinkLocal() {
			have = append(have, g.Addr.String())
		}
	}
	if len(have) == 0 {
		return onlyLinkLocal
	}
	s := "has " + strings.Join(have, ", ")
	if !w.leavesHost() {
		return s
	}
	if w.Local.IsValid() {
		s += fmt.Sprintf(", but the connection to the peer uses %v", w.Local)
	} else {
		s += fmt.Sprintf(", but the peer is %v", w.Peer)
	}
	if w.RouteNetDev != "" {
		s += " on " + w.RouteNetDev
	}
	return s
}

// fix is what to do when nothing fits: the least that would make one of the rails fit.
func fix(candidates, passed []Rail) string {
	if len(candidates) > 0 {
		return "reach the peer by an address of one of these, or name the one to use: --device " + candidates[0].Name()
	}
	for _, r := range passed {
		switch {
		case r.Problem != "":
		case r.State != StateActive && r.LinkLayer == InfiniBand:
			return "look at the cable of " + r.Name() + ", and whether a subnet manager runs"
		case r.State != StateActive && r.NetDev != "":
			return "bring the link of " + r.Name() + " up: `ip link set " + r.NetDev + " up`"
		case r.State != StateActive:
			return "bring the link of " + r.Name() + " up"
		case r.NetDev != "":
			return "give " + r.NetDev + " an IP address"
		}
	}
	return softRoCE
}
