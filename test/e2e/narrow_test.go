//go:build linux

package e2e

import "testing"

// TestNarrow makes the wire a narrow one, or the queue ahead of it a short one, whose overflow
// is an error to Soft-RoCE: the copy comes to its end.
func TestNarrow(t *testing.T) {
	needsTime(t)
	for _, q := range []struct{ name, qdisc string }{
		{"10 Mbit/s", "tbf rate 10mbit burst 64kb latency 10s"},
		{"10 Mbit/s and a queue of 0.4 s", "tbf rate 10mbit burst 64kb latency 400ms"},
		{"a queue of 10 packets", "netem delay 1ms limit 10"},
	} {
		t.Run(q.name, func(t *testing.T) {
			tr := newTrial(t)
			for _, n := range tr.lab.nodes() {
				must(t, n, "modprobe sch_tbf")
				mustLater(t, n, "tc qdisc replace dev eth0 root pfifo limit 100000")
				must(t, n, "tc qdisc replace dev eth0 root %s", q.qdisc)
			}
			for _, source := range tr.lab.nodes() {
				t.Run("from "+source.name, func(t *testing.T) {
					sub := tr.within(t)
					src := random(t, source, dataDir+"/narrow", 10<<20)
					c := sub.start(sub.across(src, src.path+".copy"), "--retry-for=1m")
					c.limit *= 2
					r := c.wait()
					r.copied(t)
					t.Logf("%.1f s, %+v\n%s", r.seconds, r.summary(t), r.stderr)
				})
			}
		})
	}
}
