//go:build linux

package e2e

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestCut cuts the wire in the middle of a copy, for longer than anyone waits.
func TestCut(t *testing.T) {
	eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
		for _, n := range tr.lab.nodes() {
			mustLater(tr.t, n, "tc qdisc replace dev eth0 root pfifo limit 100000")
		}
		c.disturbed()
		for _, n := range tr.lab.nodes() {
			must(tr.t, n, "tc qdisc replace dev eth0 root netem loss 100%% limit 100000")
		}
		c.wait().failed(tr.t, 12, "lost", there)
		if !tr.freed(tr.lab.there) {
			tr.t.Errorf("rdmad still holds what it had %.0f s after the wire was cut", time.Since(c.begun).Seconds())
		}
	}, endless...)
}

// wall drops RoCE's packets at node2, until the test's end.
func (l *lab) wall(t *testing.T) {
	t.Helper()
	mustLater(t, l.there, "nft delete table inet e2e")
	must(t, l.there, `nft -f - <<'RULES'
table inet e2e {
	chain in {
		type filter hook input priority 0;
		udp dport 4791 drop
	}
}
RULES`)
}

// TestFirewall drops RoCE's packets and lets the control connection pass: the
// answer names the port; and where TCP will do, it goes by TCP, and says why.
func TestFirewall(t *testing.T) {
	tr := newTrial(t)
	l := tr.lab
	l.wall(t)
	for _, source := range l.nodes() {
		t.Run("from "+source.name, func(t *testing.T) {
			sub := tr.within(t)
			src := random(t, source, dataDir+"/walled", 100_000)
			sub.copy(sub.across(src, src.path+".copy"), "--transport=rdma").failed(t, 5, "path", there, "UDP", "4791")
			r := sub.copy(sub.across(src, src.path+".tcp"))
			r.copied(t)
			if s := r.summary(t); s.Transport != "tcp" || !strings.Contains(s.Fallback, "get no answer") || !strings.Contains(r.stderr, "going by TCP, not by RDMA") {
				t.Errorf("the summary says %+v; it has said %q", s, r.stderr)
			}
		})
	}
}

// noticed are the counters of Soft-RoCE by which it shows, at either end, that a wire does to RoCE's packets what netem was
// told. One that is only slow does not show.
var noticed = map[string]string{
	"loss": "out_of_seq_request rcvd_seq_err completer_retry_err", "corrupt": "out_of_seq_request rcvd_seq_err completer_retry_err",
	"duplicate": "duplicate_request", "reorder": "out_of_seq_request rcvd_seq_err",
}

// counted is the sum of those counters of both nodes.
func (l *lab) counted(t *testing.T, wire string) (sum int) {
	t.Helper()
	for what, names := range noticed {
		if !strings.Contains(wire, what) {
			continue
		}
		for _, n := range l.nodes() {
			for text := range strings.FieldsSeq(must(t, n, "cd /sys/class/infiniband/rxe0/ports/1/hw_counters && cat %s", names)) {
				count, err := strconv.Atoi(text)
				if err != nil {
					t.Fatal(err)
				}
				sum += count
			}
		}
	}
	return sum
}

// TestNetem makes the wire a bad one, both ways, in one respect at a time: the copy is whole, and the devices have counted
// what the wire did. With RDMACP_FAULTS=all in more respects than make test has the time for.
func TestNetem(t *testing.T) {
	wires := []string{"loss 1%", "corrupt 1%"}
	if thorough() {
		wires = append(wires, "loss 5%", "loss 10%", "loss 20%", "corrupt 5%", "duplicate 10%", "delay 10ms reorder 25%", "delay 50ms", "delay 200ms",
			"delay 20ms 20ms distribution normal")
	}
	for _, wire := range wires {
		t.Run(wire, func(t *testing.T) {
			tr := newTrial(t)
			for _, n := range tr.lab.nodes() {
				// The queue is long: a packet that overflows it is an error to rxe, and
				// not a loss.
				mustLater(t, n, "tc qdisc replace dev eth0 root pfifo limit 100000")
				must(t, n, "tc qdisc replace dev eth0 root netem limit 100000 %s", wire)
			}
			before := tr.lab.counted(t, wire)
			for _, source := range tr.lab.nodes() {
				t.Run("from "+source.name, func(t *testing.T) {
					sub := tr.within(t)
					src := random(t, source, dataDir+"/lossy", 4<<20)
					c := sub.start(sub.across(src, src.path+".copy"), "--retry-for=60s")
					c.limit = 5 * time.Minute // TCP, too, has a hard time of it where every fifth packet is lost
					r := c.wait()
					r.copied(t)
					t.Logf("by %s; %s", r.summary(t).Transport, strings.ReplaceAll(strings.TrimSpace(r.stderr), "\n", " | "))
				})
			}
			after := tr.lab.counted(t, wire)
			t.Logf("the devices have counted %d", after-before)
			if shows := !strings.HasPrefix(wire, "delay") || strings.Contains(wire, "reorder"); shows && after == before {
				t.Errorf("the devices have noticed nothing of %s", wire)
			}
		})
	}
}

// TestShorterMTU lowers the MTU of one side: the smaller one counts.
func TestShorterMTU(t *testing.T) {
	tr := newTrial(t)
	for _, n := range tr.lab.nodes() {
		t.Run("of "+n.name, func(t *testing.T) {
			old := must(t, n, "cat /sys/class/net/eth0/mtu")
			must(t, n, "ip link set eth0 mtu 1500")
			mustLater(t, n, "ip link set eth0 mtu %s", old)
			for _, source := range tr.lab.nodes() {
				sub := tr.within(t)
				src := random(t, source, dataDir+"/short", 2<<20)
				sub.copy(sub.across(src, fmt.Sprintf("%s.by-%s", src.path, n.name))).copied(t)
			}
		})
	}
}

// TestDeviceRemoved takes the RDMA device from either host: the answer says from
// which, and without --transport rdma the copy goes by TCP and says so.
func TestDeviceRemoved(t *testing.T) {
	tr := newTrial(t)
	for _, n := range tr.lab.nodes() {
		t.Run(n.name, func(t *testing.T) {
			sub := tr.within(t)
			src := random(t, tr.lab.here, dataDir+"/railless-"+n.name, 5000)
			d := sub.across(src, src.path+".copy")
			must(t, n, "rdma link del rxe0")
			mustLater(t, n, "rdma link add rxe0 type rxe netdev eth0")
			r := sub.copy(d, "--transport=rdma")
			r.failed(t, 5, "no_device", "RDMA device")
			if named := regexp.MustCompile(`^rdmacp: ` + there).MatchString(r.stderr); named != (n == tr.lab.there) {
				t.Errorf("the answer does not say that it is %s that has no device:\n%s", n.name, r.stderr)
			}
			r = sub.copy(d)
			r.copied(t)
			if !strings.Contains(r.stderr, "going by TCP, not by RDMA") {
				t.Errorf("the copy does not say that it went by TCP:\n%s", r.stderr)
			}
		})
	}
}
