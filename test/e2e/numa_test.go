//go:build linux

package e2e

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestNUMA has the NIC at the second of two NUMA nodes: the slots of both ends are there, and so is the thread that polls
// for completions. Where there is one node there is nothing to see: hack/test runs it where there are two, and says so by RDMACP_NUMA.
func TestNUMA(t *testing.T) {
	tr := newTrial(t)
	if nodes := must(t, tr.lab.here, "cat /sys/devices/system/node/has_memory"); strings.TrimSpace(nodes) == "0" {
		if os.Getenv("RDMACP_NUMA") == "required" {
			t.Fatal("there is one NUMA node")
		}
		t.Skip("there is one NUMA node")
	}
	src := tr.bigFile(tr.lab.here)
	c := tr.start(tr.to(src, tr.lab.there, diskDir+"/numa"), "--bwlimit=4MiB", "--source=buffered")
	c.moving()
	for n, pid := range map[*node]int{tr.lab.here: c.cmd.Process.Pid, tr.lab.there: tr.lab.daemon.pid} {
		// The slots are 16 MiB: of such a piece of private memory all pages are looked at.
		maps := must(t, n, "cat /proc/%d/numa_maps", pid)
		pools := regexp.MustCompile(`(?m)^\S+ \S+ anon=4096 .*$`).FindAllString(maps, -1)
		if len(pools) != 1 || !strings.Contains(pools[0], " N1=4096 ") || strings.Contains(pools[0], " N0=") {
			t.Errorf("%s: the slots are not at the NIC's node: %q in\n%s", n.name, pools, maps)
		}
		cpus := strings.Fields(must(t, n, "cat /proc/%d/task/*/status | sed -n 's/^Cpus_allowed_list:\\s*//p'", pid))
		near := 0
		for _, list := range cpus {
			if list == "1" {
				near++
			}
		}
		if near != 1 {
			t.Errorf("%s: %d threads are kept at the NIC's node: %q", n.name, near, cpus)
		}
	}
	c.wait().copied(t)
}
