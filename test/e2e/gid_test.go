//go:build linux

package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestGIDGone takes the address, and with it the GID, of one of two rails in the middle of a
// copy, which comes to its end over the other; and gives the rail that address again, or
// another one: it carries again, in the same copy.
func TestGIDGone(t *testing.T) {
	needsTime(t)
	for _, next := range []struct{ name, address string }{{"the same comes", "10.77.1.1"}, {"another comes", "10.77.1.11"}} {
		t.Run(next.name, func(t *testing.T) {
			eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
				n := tr.lab.here
				mustLater(tr.t, n, "ip address flush dev eth1; ip address add 10.77.1.1/24 dev eth1; ip -6 address add fd77:1::1/64 dev eth1 nodad; sleep 1")
				c.disturbed()
				must(tr.t, n, "ip address flush dev eth1")
				c.says("a rail is lost")
				must(tr.t, n, "ip address add %s/24 dev eth1", next.address)
				c.says("a rail is back")
				r := c.wait()
				r.copied(tr.t)
				for _, want := range []string{`"rails_lost":["rxe1/1"`, `"rails_back":["rxe1/1"`} {
					if !strings.Contains(r.stdout, want) {
						tr.t.Errorf("it does not say %s\n%s", want, r.stdout)
					}
				}
			}, "-v", "--rails=2", "--bwlimit=1MiB", "--chunk-size=64KiB")
		})
	}
}

// TestAddressGone takes the address by which both connections go, the control connection
// and RDMA's, in the middle of a copy, and gives the host that address again, or another
// one: the copy goes on by itself.
func TestAddressGone(t *testing.T) {
	needsTime(t)
	for _, fault := range []struct {
		name    string
		of      func(*lab) *node
		old     string
		address string
	}{
		{"of node1, another comes", func(l *lab) *node { return l.here }, "10.77.0.1", "10.77.0.11"},
		{"of node1, the same comes", func(l *lab) *node { return l.here }, "10.77.0.1", "10.77.0.1"},
		{"of node2, the same comes", func(l *lab) *node { return l.there }, "10.77.0.2", "10.77.0.2"},
	} {
		t.Run(fault.name, func(t *testing.T) {
			eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
				n := fault.of(tr.lab)
				mustLater(tr.t, n, "ip address flush dev eth0 scope global; ip address add %s/24 dev eth0; ip -6 address add fd77::%s/64 dev eth0 nodad; sleep 1",
					fault.old, strings.TrimPrefix(n.name, "node"))
				c.disturbed()
				must(tr.t, n, "ip address flush dev eth0 scope global")
				time.Sleep(time.Second)
				must(tr.t, n, "ip address add %s/24 dev eth0", fault.address)
				r := c.wait()
				r.copied(tr.t)
				s := r.summary(tr.t)
				tr.t.Logf("%.1f s after it was broken: %+v\n%s", r.seconds, s, r.stderr)
				if s.Transport != "rdma" {
					tr.t.Errorf("the summary says %+v", s)
				}
			}, "--retry-for=1m", "--bwlimit=3MiB", "--chunk-size=64KiB")
		})
	}
}
