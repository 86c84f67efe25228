//go:build linux

package e2e

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// TestBusy has two clients copy to one name: the second is told to wait, and the
// first goes on until it is interrupted.
func TestBusy(t *testing.T) {
	eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
		other := random(tr.t, c.dest.source.host, dataDir+"/other", 5000)
		second := *c.dest
		second.source, second.must = other, false
		tr.copy(&second).failed(tr.t, 23, "busy", "another copy")
		c.signal(syscall.SIGINT)
		c.wait().failed(tr.t, 20, "interrupted", "interrupt")
	}, endless...)
}

// TestCycles connects, copies and disconnects again and again: nothing may be
// left of any of it.
func TestCycles(t *testing.T) {
	tr := newTrial(t)
	src := random(t, tr.lab.here, dataDir+"/cycle", 5000)
	d := tr.across(src, src.path+".copy")
	begun, cycles := time.Now(), atLeast(10, 20)
	for n := range cycles {
		r := tr.copy(d)
		if r.exit != 0 {
			t.Fatalf("cycle %d: exit %d\n%s", n, r.exit, r.stderr)
		}
	}
	took := time.Since(begun).Seconds()
	answered(t.Name(), result{code: fmt.Sprintf("%d cycles", cycles), seconds: took})
	t.Logf("%d cycles in %.1f s", cycles, took)
}
