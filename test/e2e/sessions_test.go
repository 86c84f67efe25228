//go:build linux

package e2e

import (
	"fmt"
	"strings"
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

// TestFull has a daemon that lets one session in: the second copy waits for its end, or says at once that there is no room.
func TestFull(t *testing.T) {
	tr := newTrial(t)
	const port = "7480"
	d, err := tr.lab.startDaemon(nil, "--insecure", "--listen=0.0.0.0:"+port, "--export=data="+dataDir, "--max-sessions=1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if code, err := d.stop(); err != nil || code != 0 {
			t.Errorf("the daemon ended with %d, %v\n%s", code, err, d.log.String())
		}
	}()
	there := func(name string) string { return there + "::data/" + name }
	first := tr.rdmacp(nil, nil, append(endless, "--port="+port, tr.bigFile(tr.lab.here).path, there("full.first"))...)
	first.moving()
	src := random(t, tr.lab.here, dataDir+"/full", 5000)
	tr.rdmacp(nil, nil, "--port="+port, src.path, there("full.second")).wait().failed(t, 5, "limit", "as the daemon allows, 1", "max-sessions")
	second := tr.rdmacp(nil, nil, "--retry-for=1m", "--port="+port, src.path, there("full.second"))
	second.says("waiting for one to end")
	first.signal(syscall.SIGINT)
	first.wait().failed(t, 20, "interrupted", "interrupt")
	second.wait().copied(t)
	if sum := tr.digest(tr.lab.there, dataDir+"/full.second"); sum != src.sum {
		t.Errorf("the copy has %s, want %s", sum, src.sum)
	}
	third := tr.rdmacp(nil, nil, append(endless, "--port="+port, tr.bigFile(tr.lab.here).path, there("full.other"))...)
	third.moving()
	if r := tr.rdmacp(nil, nil, "--retry-for=3s", "--port="+port, src.path, there("full.third")).wait(); r.exit != 5 || !strings.Contains(r.stderr, "; so it was for ") {
		t.Errorf("exit %d\n%s", r.exit, r.stderr)
	}
	third.signal(syscall.SIGINT)
	third.wait().failed(t, 20, "interrupted", "interrupt")
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
