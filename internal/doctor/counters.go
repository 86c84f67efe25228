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
		lost, received := uint64(0), uint64(0)
		for _, name := range lossy {
			lost += count(name)
		}
		for _, name := range came {
			received = max(received, count(name))
		}
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
			all = append(all, warn(checkCounters, said+", since it came up",
				"look for what drops packets: pause frames and ECN on the switches, a cable, `ethtool -S "+r.NetDev+"`; RoCE sends again all that was behind a lost packet"))
			continue
		}
		all = append(all, ok(checkCounters, said))
	}
	if all == nil {
		return []Finding{skip(checkCounters, "no port that counts")}
	}
	return all
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
