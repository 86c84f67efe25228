// Package spec holds what the host's side and the guest's side of the testbed must agree on: what a guest shall be,
// and where things are in it.
package spec

import (
	"fmt"
	"strconv"
	"strings"
)

// Guest is what the host tells a guest to be. It is the first message that a guest reads.
type Guest struct {
	Node      int      `json:"node"`  // 1-based
	Nodes     int      `json:"nodes"` // how many there are
	Rails     int      `json:"rails"` // devices in this guest
	MTU       int      `json:"mtu"`
	RXE       bool     `json:"rxe"`       // make the Soft-RoCE devices, too
	Netem     []string `json:"netem"`     // by wire; empty: none
	HugePages int      `json:"hugepages"` // of 2 MiB
	Memlock   int64    `json:"memlock"`   // RLIMIT_MEMLOCK in bytes; negative: unlimited
	Disk      bool     `json:"disk"`      // a scratch disk is there
	Reveal    []string `json:"reveal"`    // host paths that the guest's own /tmp and /run would hide
	Modules   []string `json:"modules"`   // files of the initramfs to load, in this order
	ModuleDir string   `json:"moduleDir"` // the host's lib/modules of this kernel
}

// Places in a guest.
const (
	ShareDir   = "/run/softroce/share" // the one host folder that a guest can write to
	CutMark    = "power-cut"           // a file in ShareDir by which a guest that resets itself asks to be booted again
	HostRoot   = "/run/softroce/host"  // the host's root as it is, nothing mounted over it
	ScratchDir = "/scratch"            // the scratch disk
	AgentPort  = 7878                  // where each guest's agent listens on the management wire
)

// The tags by which a guest finds the devices that the host gave it.
const (
	RootTag  = "root"
	ShareTag = "share"
	PortName = "softroce"
)

// NodeName returns the host name of a node, which is 1-based.
func NodeName(node int) string { return "node" + strconv.Itoa(node) }

// Management returns the node's address on the management wire, which no rail's faults reach.
func Management(node int) string { return fmt.Sprintf("10.78.0.%d", node) }

// Wire is one Ethernet wire's addressing.
type Wire int

// IPv4 returns the address of host h (1-based) on the wire.
func (w Wire) IPv4(h int) string { return fmt.Sprintf("10.77.%d.%d", int(w), h) }

// IPv6 returns the address of host h (1-based) on the wire.
func (w Wire) IPv6(h int) string { return fmt.Sprintf("fd77:%x::%x", int(w), h) }

// Endpoint says which wire a rail (0-based) of this guest is on, and as which host of the wire.
//
// Several guests share one wire per rail. A guest that is alone has two of its own rails on each wire, so that its
// devices have somebody to talk to.
func (g Guest) Endpoint(rail int) (w Wire, h int) {
	if g.Nodes == 1 {
		return Wire(rail / 2), rail%2 + 1
	}
	return Wire(rail), g.Node
}

// Wires returns how many wires the rails need.
func (g Guest) Wires() int {
	if g.Nodes == 1 {
		return (g.Rails + 1) / 2
	}
	return g.Rails
}

// Hosts returns the text of the guest's /etc/hosts.
func (g Guest) Hosts() string {
	var text strings.Builder
	text.WriteString("127.0.0.1 localhost\n::1 localhost ip6-localhost\n")
	for n := 1; n <= g.Nodes; n++ {
		name := NodeName(n)
		fmt.Fprintf(&text, "%s %s-mgmt\n", Management(n), name)
		peer := g
		peer.Node = n
		for r := range g.Rails {
			wire, h := peer.Endpoint(r)
			alias := fmt.Sprintf("%s-rail%d", name, r)
			if r == 0 {
				alias = name + " " + alias
			}
			fmt.Fprintf(&text, "%s %s\n", wire.IPv4(h), alias)
		}
	}
	return text.String()
}
