//go:build linux

package e2e

import (
	"os/exec"
	"strings"
	"testing"
)

// TestHole drops packets that are longer than the Internet's, while the MTU of all interfaces
// is 9000, as where a switch has not heard of that: RDMA ends and names the MTU, TCP goes on
// with short packets, and the doctor names the MTU, too.
func TestHole(t *testing.T) {
	needsTime(t)
	tr := newTrial(t)
	for _, n := range tr.lab.nodes() {
		for _, dev := range []string{"eth0", "eth1"} {
			// Else the kernel makes long packets of short ones ahead of the rule.
			mustLater(t, n, "ethtool -K %s gro on", dev)
			must(t, n, "ethtool -K %s gro off", dev)
		}
		drop(t, n, `iifname { "eth0", "eth1" } meta length > 1500 drop`, "")
	}
	for _, source := range tr.lab.nodes() {
		t.Run("from "+source.name, func(t *testing.T) {
			sub := tr.within(t)
			src := random(t, source, dataDir+"/long", 2_000_000)
			copied := func(by string, flags ...string) result {
				return sub.copy(sub.across(src, src.path+"."+by), append(flags, "--transport="+by)...)
			}
			copied("rdma").failed(t, 5, "path", "MTU", there)
			copied("tcp").failed(t, 12, "lost", "MTU", there)
			for _, by := range []string{"auto", "tcp"} {
				r := copied(by, "--retry-for=1m")
				r.copied(t)
				t.Logf("by %s after %.1f s:\n%s", by, r.seconds, r.stderr)
				if s := r.summary(t); s.Transport != "tcp" || !strings.Contains(r.stderr, "short packets") {
					t.Errorf("the summary says %+v\n%s", s, r.stderr)
				}
			}
		})
	}
	out, _ := exec.CommandContext(t.Context(), tr.lab.rdmacp, "doctor", there).CombinedOutput()
	for _, check := range []string{"tcp", "rdma-put", "rdma-get"} {
		_, said, _ := strings.Cut(string(out), "[fail] "+check)
		if said, _, _ = strings.Cut(said, "\n  ["); !strings.Contains(said, "MTU") {
			t.Errorf("%s does not name the MTU", check)
		}
	}
	t.Logf("%s", out)
}
