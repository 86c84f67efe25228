package doctor

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/rdmacp/rdmacp/internal/device"
)

// Counters of ports that say that packets are lost on the way, or that requests were given
// up; by the drivers of Soft-RoCE and of Mellanox's NICs, and of InfiniBand's ports.
var (
	lossy = []string{"out_of_seq_request", "rcvd_seq_err", "duplicate_request", "out_of_sequence", "packet_seq_err", "local_ack_timeout_err"}
	gaps  = []string{"out_of_seq_request", "rcvd_seq_err", "out_of_sequence", "packet_seq_err"} // those that show that a packet has not come
	dead  = []string{"retry_exceeded_err", "retry_rnr_exceeded_err", "link_downed", "symbol_error", "port_rcv_errors"}
	came  = []string{"rcvd_pkts", "port_rcv_packets"}
)

// lossShare is the share of packets that may be lost: RoCE sends again all that came behind
// one that was.
const lossShare = 0.01

// counters looks at what the ports have counted since they came up.
func (h Host) counters(rails []device.Rail) []Finding {
	var all []Finding
	for _, r := range rails {
		if h.Root == nil || r.Unusable() != "" {
			continue
		}
		count := h.counter(r)
		p := h.packets(r)
		lost, received := p.lost, p.received
		var gaveUp []string
		for _, name := range dead {
			if n := count(name); n > 0 {
				gaveUp = append(gaveUp, fmt.Sprintf("%s %s", name, humanize.Comma(int64(n)))) //nolint:gosec // for people
			}
		}
		said := fmt.Sprintf("%s: %s packets received, %s lost or out of order", r, humanize.Comma(int64(received)), humanize.Comma(int64(lost))) //nolint:gosec // for people
		if len(gaveUp) > 0 {
			said += ", " + strings.Join(gaveUp, ", ")
		}
		if p.received > 0 && p.losing() {
			all = append(all, warn(checkCounters, said+", since it came up", dropped(r)))
			continue
		}
		all = append(all, ok(checkCounters, said))
	}
	if all == nil {
		return []Finding{skip(checkCounters, "no port that counts")}
	}
	return all
}

// packets are how many a port has received, how many of them were lost or out of order, and how
// often it has seen that one has not come. What comes twice is lost, too, but may be so on the way
// there: it is asked again who has answered in vain.
type packets struct{ received, lost, gaps uint64 }

// packets reads what a port has counted so far.
func (h Host) packets(r device.Rail) (p packets) {
	count := h.counter(r)
	for _, name := range lossy {
		p.lost += count(name)
	}
	for _, name := range gaps {
		p.gaps += count(name)
	}
	for _, name := range came {
		p.received = max(p.received, count(name))
	}
	return p
}

// Of fewer packets than fewPackets a hundredth is none, and one that is late says nothing: then
// as many as someLost have to be lost, and a tenth of them.
const (
	fewPackets = 100
	someLost   = 4
	fewShare   = 0.1
)

// losing reports whether as many are lost as is felt.
func (p packets) losing() bool {
	if p.received < fewPackets {
		return p.lost >= someLost && float64(p.lost) > fewShare*float64(p.received)
	}
	return float64(p.lost) > lossShare*float64(p.received)
}

// tally is what the ports had counted at a moment.
type tally struct {
	host  Host
	rails []device.Rail
	then  []packets
}

// tally notes what the ports have counted so far. What that is may be of long ago.
func (h Host) tally() tally {
	t := tally{host: h}
	if h.Root == nil || h.Rails == nil {
		return t
	}
	t.rails, _ = h.Rails() // why there are none is among the findings
	for _, r := range t.rails {
		t.then = append(t.then, h.packets(r))
	}
	return t
}

// since is what a port has counted since then.
func (t tally) since(i int) packets {
	now := t.host.packets(t.rails[i])
	return packets{now.received - t.then[i].received, now.lost - t.then[i].lost, now.gaps - t.then[i].gaps}
}

// all is what the ports have counted since then.
func (t tally) all() (p packets) {
	for i := range t.rails {
		of := t.since(i)
		p = packets{p.received + of.received, p.lost + of.lost, p.gaps + of.gaps}
	}
	return p
}

// findings are those of the ports that have counted enough since then, on the way to a host.
func (t tally) findings(host string) (all []Finding) {
	for i, r := range t.rails {
		p := t.since(i)
		said := fmt.Sprintf("%s: %s packets received to and from %s just now, %s lost or out of order", r.Name(), humanize.Comma(int64(p.received)), host, humanize.Comma(int64(p.lost))) //nolint:gosec // for people
		switch {
		case p.losing():
			all = append(all, warn(checkCounters, said, dropped(r)))
		case p.received >= fewPackets:
			all = append(all, ok(checkCounters, said))
		}
	}
	return all
}

// dropped is what to do about lost packets.
func dropped(r device.Rail) string {
	return "look for what drops packets: pause frames and ECN on the switches, a cable, `ethtool -S " + r.NetDev + "`; RoCE sends again all that was behind a lost packet"
}

// counter reads the counters of a port; 0 for those that it has not.
func (h Host) counter(r device.Rail) func(name string) uint64 {
	return func(name string) uint64 {
		for _, kind := range []string{"hw_counters", "counters"} {
			b, err := fs.ReadFile(h.Root, path.Join("sys/class/infiniband", r.Device, "ports", strconv.Itoa(r.Port), kind, name))
			if err != nil {
				continue
			}
			if n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64); err == nil {
				return n
			}
		}
		return 0
	}
}
