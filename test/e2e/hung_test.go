//go:build linux

package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// hang has the disk answer nothing any more, and turn has it answer again.
func hang(t *testing.T, n *node) {
	t.Helper()
	must(t, n, "dmsetup suspend --noudevsync --noflush --nolockfs bad")
}

// arrived looks at a copy now: its disk is gone when the test ends.
func (tr *trial) arrived(d *destination) {
	tr.t.Helper()
	if sum := tr.digest(d.host, d.path); sum != d.source.sum {
		tr.t.Errorf("the copy has %s, want %s", sum, d.source.sum)
	}
	d.must = false
}

// TestDiskUnread has the disk that the source lies on fail under a copy: what was read ahead does not
// count for the file, and the right host is named.
func TestDiskUnread(t *testing.T) {
	for _, way := range ways(t) {
		t.Run(way, func(t *testing.T) {
			tr := newTrial(t)
			from, to := tr.ends(way)
			badDisk(t, from)
			src := random(t, from, badDir+"/source", bigSize)
			must(t, from, "sync -f %s; echo 3 >/proc/sys/vm/drop_caches", badDir)
			must(t, to, "echo old >%s/unread", dataDir)
			c := tr.start(tr.to(src, to, dataDir+"/unread"), "--bwlimit=4MiB")
			c.moved(0.2)
			turn(t, from, "error")
			r := c.wait()
			turn(t, from, "linear")
			r.failed(t, 11, "io", badDir+"/source", "input/output error")
			if named := strings.Contains(r.stderr, there+":"); named != (way == "get") {
				t.Errorf("the answer does not say that it is %s whose disk fails\n%s", from.name, r.stderr)
			}
		})
	}
}

// TestDiskHangs has the disk that is written to answer nothing. Who interrupts the copy is not kept
// waiting by it; a process that itself waits for the disk is let go by the kernel no sooner than that answers.
func TestDiskHangs(t *testing.T) {
	for _, way := range ways(t) {
		t.Run(way, func(t *testing.T) {
			tr := newTrial(t)
			c, to := tr.ontoBadDisk(way)
			hang(t, to)
			c.signal(syscall.SIGINT)
			if way == "put" {
				c.wait().failed(t, 20, "interrupted", "interrupt")
			}
			turn(t, to, "linear")
			if way == "get" {
				c.wait().failed(t, 20, "interrupted", "interrupt")
			}
			tr.copy(c.dest).copied(t)
			tr.arrived(c.dest)
		})
	}
}

// TestDiskHangsLong has it answer again a minute later: the copy has waited, over the same connection.
func TestDiskHangsLong(t *testing.T) {
	needsTime(t)
	for _, way := range ways(t) {
		t.Run(way, func(t *testing.T) {
			tr := newTrial(t)
			c, to := tr.ontoBadDisk(way)
			hang(t, to)
			time.Sleep(65 * time.Second)
			turn(t, to, "linear")
			r := c.wait()
			r.copied(t)
			tr.arrived(c.dest)
			if s := r.summary(t); s.Earlier.Connections != 0 {
				t.Errorf("%d connections were given up for a disk", s.Earlier.Connections)
			}
		})
	}
}
