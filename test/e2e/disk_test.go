//go:build linux

package e2e

import (
	"regexp"
	"strings"
	"testing"
)

var movedBytes = regexp.MustCompile(`"bytes":[1-9]\d*,`)

// TestDiskFull copies to a file system that is too small: nothing of the file moves.
func TestDiskFull(t *testing.T) {
	for _, way := range []string{"put", "get"} {
		t.Run(way, func(t *testing.T) {
			tr := newTrial(t)
			from, to := tr.ends(way)
			must(t, to, "echo old >%s/full", smallDir)
			r := tr.copy(tr.to(tr.bigFile(from), to, smallDir+"/full"))
			r.failed(t, 11, "no_space", smallDir+"/full")
			if named := strings.HasPrefix(r.stderr, "rdmacp: "+there); named != (way == "put") {
				t.Errorf("the answer does not say that it is %s whose disk is full", to.name)
			}
			if log := tr.lab.daemon.log.since(tr.log); movedBytes.MatchString(log) {
				t.Errorf("bytes moved of a file that could not fit\n%s", log)
			}
		})
	}
}

// TestSourceChanges appends to a file while it is copied.
func TestSourceChanges(t *testing.T) {
	for _, way := range ways(t) {
		t.Run(way, func(t *testing.T) {
			tr := newTrial(t)
			from, to := tr.ends(way)
			src := random(t, from, dataDir+"/changing", bigSize)
			src.sum = "" // what it is at the start must not appear either
			must(t, to, "echo old >%s/changed", dataDir)
			c := tr.start(tr.to(src, to, dataDir+"/changed"), slow...)
			c.moving()
			must(t, from, "echo more >>%s", src.path)
			c.moved(0.7) // the end is when rdmacp looks at the file again
			c.wait().failed(t, 23, "source_changed", src.path)
			must(t, from, "rm %s", src.path)
		})
	}
}

// TestMemlock runs rdmacp where it may pin next to nothing: it goes by TCP and says why, unless
// it was to go by RDMA.
func TestMemlock(t *testing.T) {
	tr := newTrial(t)
	src := random(t, tr.lab.here, dataDir+"/unpinned", 5000)
	limited := []string{"setpriv", "--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock", "prlimit", "--memlock=65536:65536"}
	tr.rdmacp(tr.across(src, src.path+".rdma"), limited, "--transport=rdma", src.path, there+":"+src.path+".rdma").wait().
		failed(t, 22, "memlock", "64 KiB", "ulimit -l", "LimitMEMLOCK")
	r := tr.rdmacp(tr.across(src, src.path+".copy"), limited, src.path, there+":"+src.path+".copy").wait()
	if s := r.summary(t); s.Transport != "tcp" || !strings.Contains(s.Fallback, "64 KiB") || !strings.Contains(r.stderr, "ulimit -l") || !strings.Contains(r.stderr, "doctor: memlock") {
		t.Errorf("it goes by %s: %s\n%s", s.Transport, s.Fallback, r.stderr)
	}
}
