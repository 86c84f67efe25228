//go:build linux

package e2e

import (
	"fmt"
	"testing"
	"time"
)

// drop has a node drop packets by rules of nft, until it is called off or the test ends. What
// comes in goes by "in", what leaves by "out".
func drop(t *testing.T, n *node, in, out string) (pass func()) {
	t.Helper()
	mustLater(t, n, "nft delete table inet dropped 2>/dev/null; true")
	must(t, n, `nft -f - <<'RULES'
table inet dropped {
	chain in {
		type filter hook input priority 0;
		%s
	}
	chain out {
		type filter hook output priority 0;
		%s
	}
}
RULES`, in, out)
	return func() {
		t.Helper()
		must(t, n, "nft delete table inet dropped")
	}
}

// dropControl drops what belongs to control connections, both ways. RoCE's packets pass.
func (l *lab) dropControl(t *testing.T) (pass func()) {
	t.Helper()
	return drop(t, l.there, fmt.Sprintf("tcp dport %d drop", port), fmt.Sprintf("tcp sport %d drop", port))
}

// stays checks that a name shows what it did ahead of the copy: nothing has come to it.
func (tr *trial) stays(d *destination) {
	tr.t.Helper()
	if sum := tr.digest(d.host, d.path); sum != d.sum {
		tr.t.Errorf("%s:%s has sha256 %s, want %s as before: it got its name when nobody could tell that it may", d.host.name, d.path, sum, d.sum)
	}
}

// gaveUp checks that both ends give a copy up that nothing can come of: rdmacp says so, and
// neither end holds anything for it or puts anything into place.
func (c *copying) gaveUp() {
	tr := c.trial
	tr.t.Helper()
	c.wait().failed(tr.t, 12, "lost", there)
	if !tr.freed(tr.lab.there) {
		tr.t.Errorf("rdmad still holds what it had %.0f s ago: %s", time.Since(c.begun).Seconds(), tr.lab.unsettled(tr.lab.there))
	}
	tr.t.Logf("rdmad has let go of all after %.1f s", time.Since(c.begun).Seconds())
	tr.stays(c.dest)
}

// TestControlLost drops what belongs to the control connection in the middle of a copy, while
// RDMA works as before: both ends give up, and nothing gets its name any more.
func TestControlLost(t *testing.T) {
	eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
		c.disturbed()
		tr.lab.dropControl(tr.t)
		c.gaveUp()
	}, endless...)
}

// TestOneWay drops all that goes from one host to the other, and lets pass what comes back:
// both ends give up.
func TestOneWay(t *testing.T) {
	needsTime(t)
	for _, deaf := range []string{here, there} {
		t.Run("to "+deaf, func(t *testing.T) {
			eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
				n := tr.lab.here
				if deaf == there {
					n = tr.lab.there
				}
				c.disturbed()
				drop(tr.t, n, "iifname eth0 drop", "")
				c.gaveUp()
			}, endless...)
		})
	}
}

// cut cuts the wire of rail 0 for a while.
func (l *lab) cut(t *testing.T, d time.Duration) {
	t.Helper()
	const whole = "tc qdisc replace dev eth0 root pfifo limit 100000"
	for _, n := range l.nodes() {
		mustLater(t, n, whole)
		must(t, n, "tc qdisc replace dev eth0 root netem loss 100%% limit 100000")
	}
	time.Sleep(d)
	for _, n := range l.nodes() {
		must(t, n, whole)
	}
}

// TestPasses breaks a copy for a while in ways that TestGoesOn has not: it rides that out, or
// goes on by itself over a new connection, as it does by default.
func TestPasses(t *testing.T) {
	needsTime(t)
	for _, fault := range []struct {
		name   string
		brief  bool // it has to be ridden out
		broken func(t *testing.T, l *lab)
	}{
		{"wire cut for 1 s", true, func(t *testing.T, l *lab) { t.Helper(); l.cut(t, time.Second) }},
		{"wire cut for 10 s", false, func(t *testing.T, l *lab) { t.Helper(); l.cut(t, 10*time.Second) }},
		{"control connection dropped for 2 s", true, func(t *testing.T, l *lab) {
			t.Helper()
			pass := l.dropControl(t)
			time.Sleep(2 * time.Second)
			pass()
		}},
		{"control connection dropped for 10 s", false, func(t *testing.T, l *lab) {
			t.Helper()
			pass := l.dropControl(t)
			time.Sleep(10 * time.Second)
			pass()
		}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
				c.disturbed()
				fault.broken(tr.t, tr.lab)
				r := c.wait()
				r.copied(tr.t)
				s := r.summary(tr.t)
				tr.t.Logf("%.1f s after it was broken: %+v", r.seconds, s)
				if s.Transport != "rdma" || fault.brief != (s.Earlier.Connections == 0) {
					tr.t.Errorf("the summary says %+v\n%s", s, r.stderr)
				}
			}, "--retry-for=1m", "--bwlimit=3MiB", "--chunk-size=64KiB")
		})
	}
}
