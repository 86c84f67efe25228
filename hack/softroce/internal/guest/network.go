//go:build linux

package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/hack/softroce/internal/spec"
)

// managementNIC is the name of the NIC on the management wire.
const managementNIC = "mgmt0"

func netdev(rail int) string { return fmt.Sprintf("eth%d", rail) }

// setUpNetwork names the host, makes the wires of a guest that is alone, and gives every NIC its addresses.
func setUpNetwork(g spec.Guest) error {
	if err := unix.Sethostname([]byte(spec.NodeName(g.Node))); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	var ip strings.Builder
	fmt.Fprintln(&ip, "link set lo up")
	if g.Nodes == 1 {
		fmt.Fprintf(&ip, "addr add %s/32 dev lo\n", spec.Management(g.Node))
		addVeths(&ip, g)
	} else {
		// The NICs are found in the order in which the host made them: the rails, then the management wire's.
		fmt.Fprintf(&ip, "link set %s name %s\n", netdev(g.Rails), managementNIC)
		fmt.Fprintf(&ip, "addr add %s/24 dev %s\n", spec.Management(g.Node), managementNIC)
		fmt.Fprintf(&ip, "link set %s up\n", managementNIC)
	}
	if err := skipDAD(); err != nil {
		return err
	}
	for r := range g.Rails {
		wire, h := g.Endpoint(r)
		fmt.Fprintf(&ip, "addr add %s/24 dev %s\n", wire.IPv4(h), netdev(r))
		fmt.Fprintf(&ip, "addr add %s/64 dev %s nodad\n", wire.IPv6(h), netdev(r))
		fmt.Fprintf(&ip, "link set %s mtu %d up\n", netdev(r), g.MTU)
	}
	if g.Nodes > 1 {
		if err := batch(ip.String(), "ip"); err != nil {
			return err
		}
		return setQueues(g)
	}
	routeOverWires(&ip, g, spec.Wire.IPv4)
	var ip6 strings.Builder
	routeOverWires(&ip6, g, spec.Wire.IPv6)
	if err := batch(ip.String(), "ip"); err != nil {
		return err
	}
	if err := batch(ip6.String(), "ip", "-6"); err != nil {
		return err
	}
	return setQueues(g)
}

// batch runs one of iproute2's tools on several commands; to start it takes an emulated guest a while.
func batch(commands string, tool ...string) error {
	if commands == "" {
		return nil
	}
	if err := run(commands, append(tool, "-b", "-")...); err != nil {
		return fmt.Errorf("%w\nfrom this batch:\n%s", err, commands)
	}
	return nil
}

// addVeths joins each two rails of one guest by a wire. With an odd number, the last wire's other end is left bare.
func addVeths(ip *strings.Builder, g spec.Guest) {
	for r := 0; r < g.Rails; r += 2 {
		peer := netdev(r + 1)
		if r+1 == g.Rails {
			peer = "bare0"
		}
		fmt.Fprintf(ip, "link add %s mtu %d type veth peer name %s mtu %d\n", netdev(r), g.MTU, peer, g.MTU)
		fmt.Fprintf(ip, "link set %s up\n", peer)
	}
}

// routeOverWires sends what goes from one rail of this guest to another over their wire. By itself the kernel would
// deliver it through lo, where there is no rxe, and so drop it: the table of local addresses is looked up first.
// It is moved behind a rule for each direction; "iif lo" means what this host sends, and not what it receives.
func routeOverWires(ip *strings.Builder, g spec.Guest, address func(spec.Wire, int) string) {
	fmt.Fprintln(ip, "rule add pref 1000 lookup local")
	fmt.Fprintln(ip, "rule del pref 0")
	for r := range g.Rails / 2 * 2 {
		wire, h := g.Endpoint(r)
		from, to, table := address(wire, h), address(wire, 3-h), 100+r
		fmt.Fprintf(ip, "rule add pref 10 iif lo from %s to %s lookup %d\n", from, to, table)
		fmt.Fprintf(ip, "route add %s dev %s table %d\n", to, netdev(r), table)
	}
}

// skipDAD has IPv6 addresses usable, as GIDs too, without the second's wait for a duplicate, and lets a packet in
// whose sender's address is this guest's own.
func skipDAD() error {
	names, err := filepath.Glob("/proc/sys/net/ipv6/conf/*/accept_dad")
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := os.WriteFile(name, []byte("0"), 0); err != nil {
			return err
		}
	}
	return os.WriteFile("/proc/sys/net/ipv4/conf/all/accept_local", []byte("1"), 0)
}

// setQueues has the wires between hosts lose nothing by themselves, and disturbs this guest's sending half of each as
// it was asked to. The default queue, fq_codel, drops packets that wait long, as in an emulated guest all do; and the
// queue is long, since a packet that overflows it is an error to rxe's sender, and not a loss.
func setQueues(g spec.Guest) error {
	var tc strings.Builder
	for r := range g.Rails {
		wire, _ := g.Endpoint(r)
		switch setting := g.Netem[wire]; {
		case setting != "":
			fmt.Fprintf(&tc, "qdisc replace dev %s root netem limit 100000 %s\n", netdev(r), setting)
		case g.Nodes > 1:
			fmt.Fprintf(&tc, "qdisc replace dev %s root pfifo limit 100000\n", netdev(r))
		}
	}
	return batch(tc.String(), "tc")
}
