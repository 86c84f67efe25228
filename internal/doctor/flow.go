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

// flow looks at what keeps a network from dropping the packets of RoCE, as far as the
// drivers of its ports tell: priority flow control, and ECN with what it is answered by.
func (h Host) flow(rails []device.Rail) []Finding {
	if h.Root == nil {
		return []Finding{skip(checkFlow, "not Linux")}
	}
	var all []Finding
	for _, r := range rails {
		if r.LinkLayer == device.Ethernet && r.Unusable() == "" && r.NetDev != "" {
			all = append(all, h.lossless(r))
		}
	}
	if all == nil {
		return []Finding{skip(checkFlow, "no port of RoCE")}
	}
	return all
}

// lossless is the finding of a port.
func (h Host) lossless(r device.Rail) Finding {
	said := []string{r.String()}
	pfc, pauses := h.pauses(r.NetDev)
	if pauses && pfc.Priorities != 0 {
		said = append(said, fmt.Sprintf("priority flow control on for %s, %s pause frames sent and %s received",
			bits(pfc.Priorities), humanize.Comma(int64(pfc.Sent)), humanize.Comma(int64(pfc.Received)))) //nolint:gosec // for people
	} else if pauses {
		said = append(said, "no priority flow control")
	}
	ecn, marks := h.ecn(r.NetDev)
	if marks && ecn != 0 {
		said = append(said, "ECN on for "+bits(ecn))
	} else if marks {
		said = append(said, "no ECN")
	}
	count, counts := h.counter(r), false
	for _, c := range []struct{ name, what string }{
		{"np_ecn_marked_roce_packets", "packets came marked"}, {"np_cnp_sent", "notices of congestion sent"}, {"rp_cnp_handled", "heeded"},
	} {
		if n := count(c.name); n > 0 {
			counts = true
			said = append(said, humanize.Comma(int64(n))+" "+c.what) //nolint:gosec // for people
		}
	}
	switch {
	case !pauses && !marks && !counts:
		return skip(checkFlow, r.Name()+": its driver tells nothing of priority flow control and ECN")
	case (pauses || marks) && pfc.Priorities == 0 && ecn == 0 && !counts:
		return warn(checkFlow, strings.Join(said, ", "), fmt.Sprintf("where several hosts send to one, switches drop packets, and RoCE sends again all that was behind them: "+
			"turn on priority flow control for the priority of RoCE (`dcb pfc set dev %s prio-pfc 3:on`, `mlnx_qos -i %s --pfc 0,0,0,1,0,0,0,0`), or ECN, on all hosts and switches on the way", r.NetDev, r.NetDev))
	}
	return ok(checkFlow, strings.Join(said, ", "))
}

// pauses is the priority flow control of a network device, if its driver tells of it.
func (h Host) pauses(netDev string) (device.PFC, bool) {
	if h.Flow == nil {
		return device.PFC{}, false
	}
	p, err := h.Flow(netDev)
	return p, err == nil
}

// ecn are the priorities at which a device both tells of marked packets and slows down when
// it is told, as the driver of Mellanox's NICs has them, if it has.
func (h Host) ecn(netDev string) (both uint8, known bool) {
	both = 0xff
	for _, side := range []string{"roce_np", "roce_rp"} {
		dir := path.Join("sys/class/net", netDev, "ecn", side, "enable")
		if _, err := fs.Stat(h.Root, dir); err != nil {
			return 0, false
		}
		on := uint8(0)
		for i := range 8 {
			if h.read(path.Join(dir, strconv.Itoa(i))) == "1" {
				on |= 1 << i
			}
		}
		both &= on
	}
	return both, true
}

// bits lists priorities.
func bits(set uint8) string {
	var on []string
	for i := range 8 {
		if set&(1<<i) != 0 {
			on = append(on, strconv.Itoa(i))
		}
	}
	return "priority " + strings.Join(on, ", ")
}
