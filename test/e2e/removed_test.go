//go:build linux

package e2e

import (
	"testing"
	"time"
)

// removalLimit is how long an RDMA device may take to go that copies use.
const removalLimit = 15 * time.Second

// remove takes the RDMA device of rail 0 from a node. The kernel keeps who asks waiting for as
// long as a program has the device open, so that is done beside the test.
func (l *lab) remove(t *testing.T, n *node, device, netDev string) (gone func() bool) {
	t.Helper()
	mustLater(t, n, "rdma link show %[1]s/1 2>/dev/null || rdma link add %[1]s type rxe netdev %[2]s", device, netDev)
	must(t, n, `rm -f /tmp/removed; (rdma link del %s; echo $? >/tmp/removed) >/dev/null 2>&1 &`, device)
	return func() bool {
		return eventually(removalLimit, func() bool {
			out, err := n.sh("cat /tmp/removed 2>/dev/null; true")
			return err == nil && out == "0"
		})
	}
}

// TestRemovedInUse takes the RDMA device from a host in the middle of a copy: that is not held
// up, and the copy goes on by TCP; over the other rail, where there are two. Once the device
// is there again, copies go by it again.
func TestRemovedInUse(t *testing.T) {
	for _, c := range []struct{ name, of, rails string }{
		{"of " + there, there, "--rails=1"},
		{"of " + here, here, "--rails=1"},
		{"of " + there + ", one of two", there, "--rails=2"},
		{"of " + here + ", one of two", here, "--rails=2"},
	} {
		if c.name != "of "+there && !thorough() {
			continue // it is the daemon that has to live through it
		}
		t.Run(c.name, func(t *testing.T) {
			eachWay(t, (*trial).bigFile, func(tr *trial, run *copying) {
				n, device, netDev, transport := tr.lab.here, "rxe0", "eth0", "tcp"
				if c.of == there {
					n = tr.lab.there
				}
				if c.rails == "--rails=2" {
					device, netDev, transport = "rxe1", "eth1", "rdma"
				}
				run.disturbed()
				if !tr.lab.remove(tr.t, n, device, netDev)() {
					tr.t.Errorf("%s of %s is held up still after %.1f s", device, n.name, time.Since(run.begun).Seconds())
				}
				tr.t.Logf("%s of %s is gone after %.1f s", device, n.name, time.Since(run.begun).Seconds())
				r := run.wait()
				s := r.summary(tr.t)
				tr.t.Logf("%.1f s, %+v\n%s", r.seconds, s, r.stderr)
				must(tr.t, n, "rdma link add %s type rxe netdev %s", device, netDev)
				small := random(tr.t, tr.lab.here, dataDir+"/after", 300_000)
				tr.copy(tr.across(small, small.path+".copy"), "--transport=rdma", c.rails).copied(tr.t)
				if r.exit != 0 || s.Transport != transport {
					tr.t.Errorf("exit %d (%s), by %s; want 0, by %s", r.exit, r.code, s.Transport, transport)
				}
			}, "--retry-for=1m", "--bwlimit=3MiB", "--chunk-size=64KiB", c.rails)
		})
	}
}
