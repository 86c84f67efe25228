//go:build linux

package e2e

import (
	"strings"
	"testing"
	"time"
)

// railed are flags of a copy over both rails that takes some seconds.
var railed = []string{"--rails=2", "--bwlimit=4MiB", "--chunk-size=64KiB"}

// TestRailDown takes the link of one of two rails down in the middle of a copy, which
// comes to its end over the other.
func TestRailDown(t *testing.T) {
	eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
		mustLater(tr.t, tr.lab.here, "ip link set eth1 up; ip -6 address replace fd77:1::1/64 dev eth1 nodad; sleep 2")
		must(tr.t, tr.lab.here, "ip link set eth1 down")
		r := c.wait()
		r.copied(tr.t)
		if !strings.Contains(r.stdout, `"rails_lost":["rxe1/1"]`) || strings.Contains(r.stdout, `"retries":0`) {
			tr.t.Errorf("nothing was lent again\n%s", r.stdout)
		}
		for _, n := range []string{"local_device", "remote_device"} {
			if !strings.Contains(r.stdout, `"`+n+`":"rxe0/1+rxe1/1"`) {
				tr.t.Errorf("%s: not both rails", n)
			}
		}
	}, railed...)
}

// TestRailBack takes the link of one of two rails down in the middle of a copy, and up again:
// it carries again, in the same copy.
func TestRailBack(t *testing.T) {
	eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
		const up = "ip link set eth1 up; ip -6 address replace fd77:1::1/64 dev eth1 nodad"
		mustLater(tr.t, tr.lab.here, up)
		must(tr.t, tr.lab.here, "ip link set eth1 down")
		c.says("a rail is lost")
		must(tr.t, tr.lab.here, up)
		c.says("a rail is back")
		r := c.wait()
		r.copied(tr.t)
		for _, want := range []string{`"rails_lost":["rxe1/1"`, `"rails_back":["rxe1/1"`} {
			if !strings.Contains(r.stdout, want) {
				tr.t.Errorf("it does not say %s\n%s", want, r.stdout)
			}
		}
	}, "-v", "--rails=2", "--bwlimit=1280KiB", "--chunk-size=64KiB") // longer than it takes to notice
}

// TestRailLoss loses a tenth of one rail's packets: the other does more of the work, and
// whether or not the lossy one is given up, the copy is whole.
func TestRailLoss(t *testing.T) {
	eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
		for _, n := range tr.lab.nodes() {
			mustLater(tr.t, n, "tc qdisc replace dev eth1 root pfifo limit 100000")
			must(tr.t, n, "tc qdisc replace dev eth1 root netem limit 100000 loss 10%%")
		}
		c.limit = 3 * time.Minute
		c.wait().copied(tr.t)
	}, railed...)
}
