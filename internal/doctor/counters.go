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
		if received > 0 && float64(lost) > lossShare*float64(received) {
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

// packets are how many a port has received, and how many of them were lost or out of order.
type packets struct{ received, lost uint64 }

// packets reads what a port has counted so far.
func (h Host) packets(r device.Rail) (p packets) {
	count := h.counter(r)
	for _, name := range lossy {
		p.lost += count(name)
	}
	for _, name := range came {
		p.received = max(p.received, count(name))
	}
	return p
}

// fewPackets are too few to tell how many are lost.
const fewPackets = 100

// probed returns what is to be called once bytes have moved between the hosts: the finding of
// each port that has counted, of these packets alone. What a port has counted before may be of
// long ago.
func (h Host) probed() func(host string) []Finding {
	if h.Root == nil || h.Rails == nil {
		return func(string) []Finding { return nil }
	}
	rails, err := h.Rails()
	if err != nil {
		return func(string) []Finding { return nil }
	}
	before := make([]packets, len(rails))
	for i, r := range rails {
		before[i] = h.packets(r)
	}
	return func(host string) (all []Finding) {
		for i, r := range rails {
			now := h.packets(r)
			received, lost := now.received-before[i].received, now.lost-before[i].lost
			if received < fewPackets {
				continue
			}
			said := fmt.Sprintf("%s: %s packets received to and from %s just now, %s lost or out of order", r.Name(), humanize.Comma(int64(received)), host, humanize.Comma(int64(lost))) //nolint:gosec // for people
			if float64(lost) > lossShare*float64(received) {
				all = append(all, warn(checkCounters, said, dropped(r)))
				continue
			}
			all = append(all, ok(checkCounters, said))
		}
		return all
	}
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
