package device

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/rdmacp/rdmacp/internal/verbs"
)

// Rails lists the rails of this host, sorted by name. It opens each device for a moment.
// A device that cannot be opened is listed with its Problem. A host with no device at all
// is an error: a fault of code fault.NoDevice that says what is missing and how to get it.
func Rails() ([]Rail, error) {
	sysfs := os.DirFS("/sys")
	devices, err := verbs.Devices()
	if err != nil || len(devices) == 0 {
		return nil, noDevice(sysfs, os.DirFS("/dev"), err)
	}
	links, err := readLinks()
	if err != nil {
		return nil, fmt.Errorf("listing network devices: %w", err)
	}
	var rails []Rail
	for _, d := range devices {
		rails = append(rails, assemble(probe(d), links, sysfs)...)
	}
	slices.SortFunc(rails, func(a, b Rail) int {
		return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.Port, b.Port))
	})
	return rails, nil
}

// assemble makes the rails of one device from what is known about it.
func assemble(f facts, links []link, sysfs fs.FS) []Rail {
	if f.err != nil && len(f.ports) == 0 {
		return []Rail{{
			Device: f.info.Name, Port: 1, Transport: f.info.Transport.String(), State: "UNKNOWN",
			LinkLayer: NoLink, NUMANode: numaNode(sysfs, f.info.Name, ""), Problem: f.err.Error(),
		}}
	}
	rails := make([]Rail, 0, len(f.ports))
	for i, p := range f.ports {
		r := Rail{
			Device: f.info.Name, Port: i + 1, Transport: f.info.Transport.String(),
			State: p.State.String(), LinkLayer: linkLayer(p.LinkLayer), LID: p.LID, GRHRequired: p.GRHRequired,
			GIDs:      gidsOf(f.gids, i+1, links),
			ActiveMTU: p.ActiveMTU.Bytes(), MaxMTU: p.MaxMTU.Bytes(),
			SpeedGbps:  speed(p.ActiveSpeed, p.ActiveWidth),
			MaxMessage: p.MaxMsgSize, MaxRead: f.attr.MaxQPRdAtom, MaxReadOut: f.attr.MaxQPInitRdAtom,
			Problem: problem(f),
		}
		r.attach(links, sysfs)
		r.NUMANode = numaNode(sysfs, r.Device, r.NetDev)
		rails = append(rails, r)
	}
	return rails
}

// attach finds the rail's network device and what it has.
func (r *Rail) attach(links []link, sysfs fs.FS) {
	// The kernel fills the first entries of a GID table from the port's own network
	// device, before any VLAN's. InfiniBand's entries name none.
	for _, g := range r.GIDs {
		if r.NetDev = g.NetDev; r.NetDev != "" {
			break
		}
	}
	if r.NetDev == "" && r.LinkLayer == InfiniBand {
		r.NetDev = ipoib(sysfs, r.Device, r.Port, links)
	}
	if r.NetDev == "" {
		r.NetDev = netDevBySysfs(sysfs, r.Device, r.Port)
	}
	for _, l := range links {
		if l.name == r.NetDev {
			r.MTU, r.Addresses = l.mtu, l.addrs
		}
	}
}

// gidsOf returns the GIDs of one port, in the order of its table.
func gidsOf(entries []verbs.GIDEntry, port int, links []link) []GID {
	gids := []GID{}
	for _, e := range entries {
		if int(e.Port) != port || e.GID.IsZero() {
			continue
		}
		g := GID{Addr: e.GID.Addr(), Index: int(e.Index), Kind: gidKind(e.Type)}
		for _, l := range links {
			if e.NDevIfIndex != 0 && l.index == e.NDevIfIndex {
				g.NetDev = l.name
			}
		}
		gids = append(gids, g)
	}
	slices.SortFunc(gids, func(a, b GID) int { return cmp.Compare(a.Index, b.Index) })
	return gids
}

// problem is what rules out every port of a device.
func problem(f facts) string {
	switch f.info.Transport {
	case verbs.TransportIB:
	case verbs.TransportIWARP:
		return "iWARP: its connections need the RDMA connection manager, which rdmacp does not use"
	case verbs.TransportUnknown, verbs.TransportUSNIC, verbs.TransportUSNICUDP, verbs.TransportUnspecified:
		return fmt.Sprintf("transport %v has no RDMA READ and WRITE", f.info.Transport)
	}
	if f.err != nil {
		return f.err.Error()
	}
	return ""
}

func linkLayer(l verbs.LinkLayer) LinkLayer {
	switch l {
	case verbs.LinkLayerEthernet:
		return Ethernet
	case verbs.LinkLayerInfiniBand:
		return InfiniBand
	case verbs.LinkLayerUnspecified:
		return NoLink
	}
	return NoLink
}

func gidKind(t verbs.GIDType) GIDKind {
	switch t {
	case verbs.GIDTypeIB:
		return IB
	case verbs.GIDTypeRoCEv1:
		return RoCEv1
	case verbs.GIDTypeRoCEv2:
		return RoCEv2
	}
	return GIDKind(t.String())
}
