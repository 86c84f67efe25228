//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// badDir is a file system on a disk that can be made to fail (dm-linear, dm-error,
// dm-delay).
const badDir = diskDir + "/bad"

// badDisk makes it. It is gone when the test ends.
func badDisk(t *testing.T, n *node) {
	t.Helper()
	must(t, n, `set -e
modprobe loop; modprobe dm_mod; modprobe dm_delay
truncate -s 128M %[1]s/bad.img
losetup -f --show %[1]s/bad.img >%[1]s/bad.loop
dmsetup create --noudevsync --addnodeoncreate bad --table "0 $(blockdev --getsz $(cat %[1]s/bad.loop)) linear $(cat %[1]s/bad.loop) 0"
dmsetup mknodes bad
mkfs.ext4 -q /dev/mapper/bad
mkdir -p %[2]s
mount /dev/mapper/bad %[2]s`, diskDir, badDir)
	mustLater(t, n, `umount -l %[2]s; dmsetup remove --noudevsync --retry bad && losetup -d $(cat %[1]s/bad.loop) && rm -rf %[1]s/bad*`, diskDir, badDir)
}

// turn makes another disk of it: "error", or "delay 50", which is in milliseconds.
func turn(t *testing.T, n *node, into string) {
	t.Helper()
	kind, ms, _ := strings.Cut(into, " ")
	if kind != "error" {
		kind += " $loop 0 " + ms
	}
	must(t, n, `loop=$(cat %[1]s/bad.loop)
dmsetup suspend --noudevsync --noflush --nolockfs bad && dmsetup load bad --table "0 $(blockdev --getsz $loop) %[2]s" && dmsetup resume --noudevsync bad`, diskDir, kind)
}

// ontoBadDisk has a copy under way onto such a disk.
func (tr *trial) ontoBadDisk(way string) (c *copying, to *node) {
	tr.t.Helper()
	from, to := tr.ends(way)
	badDisk(tr.t, to)
	c = tr.start(tr.to(tr.bigFile(from), to, badDir+"/copy"), slow...)
	c.moved(0.3)
	return c, to
}

// TestDiskFails has the disk fail under a copy: that is said of the right host, and the
// name shows nothing.
func TestDiskFails(t *testing.T) {
	for _, way := range ways(t) {
		t.Run(way, func(t *testing.T) {
			tr := newTrial(t)
			c, to := tr.ontoBadDisk(way)
			turn(t, to, "error")
			r := c.wait()
			r.failed(t, 11, "io", badDir+"/copy")
			if named := strings.HasPrefix(r.stderr, "rdmacp: "+there); named != (way == "put") {
				t.Errorf("the answer does not say that it is %s whose disk fails\n%s", to.name, r.stderr)
			}
		})
	}
}

// TestDiskSlow has a disk that takes its time over each request: the copy waits for it, and
// says what it was waiting for.
func TestDiskSlow(t *testing.T) {
	needsTime(t)
	tr := newTrial(t)
	badDisk(t, tr.lab.there)
	turn(t, tr.lab.there, "delay 100")
	src := random(t, tr.lab.here, dataDir+"/waits", 4<<20)
	r := tr.rdmacp(nil, nil, "--chunk-size=256KiB", "--slots=1", src.path, there+":"+badDir+"/copy").wait()
	r.copied(t)
	if !strings.Contains(r.stdout, `"bound_by":{"stage":"writing the destination","where":"there"`) {
		t.Errorf("it does not say what it waited for:\n%s", r.stdout)
	}
	if sum := tr.digest(tr.lab.there, badDir+"/copy"); sum != src.sum {
		t.Errorf("the copy has %s, want %s", sum, src.sum)
	}
}

// TestClockJumps sets the clocks of both hosts, forth and back, under a copy: nothing that
// waits goes by them.
func TestClockJumps(t *testing.T) {
	needsTime(t)
	eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
		for _, by := range []string{"+2 hours", "-3 hours", "+1 hour"} {
			for _, n := range tr.lab.nodes() {
				must(tr.t, n, "date -s '%s' >/dev/null", by)
			}
			time.Sleep(time.Second)
		}
		c.wait().copied(tr.t)
	}, slow...)
}

// TestFewFiles has an end that may open next to no files: a tree comes through it, or it is
// said why not, and the end goes on.
func TestFewFiles(t *testing.T) {
	tr := newTrial(t)
	l := tr.lab
	few := []string{"prlimit", "--nofile=48:48"}
	d, err := l.startDaemon(few, "--insecure", "--listen", "0.0.0.0:7475", "--export", "data="+dataDir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if code, err := d.stop(); err != nil || code != 0 {
			t.Errorf("the daemon ended with %d, %v\n%s", code, err, d.log.String())
		}
	}()
	for _, n := range l.nodes() {
		must(t, n, "mkdir -p %[1]s/few-%[2]s; cd %[1]s/few-%[2]s; for i in $(seq 40); do mkdir -p d$i/e; for k in 1 2 3 4 5; do echo $i-$k >d$i/e/$k; done; done", dataDir, n.name)
		mustLater(t, n, "rm -rf %s/few-*", dataDir)
	}
	for name, c := range map[string]struct {
		prefix []string
		args   []string
	}{
		here:  {nil, []string{"--port=7475", dataDir + "/few-" + here, there + "::data/"}},
		there: {few, []string{there + "::data/few-" + there, dataDir + "/"}},
	} {
		r := tr.rdmacp(nil, c.prefix, append([]string{"-a"}, c.args...)...).wait()
		t.Logf("from %s: exit %d (%s), %d lines", name, r.exit, r.code, strings.Count(r.stderr, "\n"))
		const list = "cd %s/few-%s && find . -type f | sort | xargs sha256sum | sha256sum"
		if r.exit == 0 && must(t, l.here, list, dataDir, name) != must(t, l.there, list, dataDir, name) {
			t.Error("the copy is another")
		}
		if r.exit != 0 && !strings.Contains(r.stderr, "too many open files") || r.exit == 2 || r.exit == 12 {
			t.Errorf("exit %d\n%s", r.exit, r.stderr)
		}
	}
}

// TestFewObjects lets rdmacp, and then rdmad, make one verbs object, two, three ..., until the copy gets along: until then it
// says what could not be made, and by TCP it would not need any. The daemon goes on each time.
func TestFewObjects(t *testing.T) {
	t.Run("rdmacp", func(t *testing.T) {
		tr := newTrial(t)
		tr.fewObjects(tr.lab.here, fenced, fmt.Sprint(port))
	})
	t.Run("rdmad", func(t *testing.T) {
		tr := newTrial(t)
		const port = "7479"
		tr.fewObjects(tr.lab.there, nil, port)
	})
}

// fewObjects gives a node more and more of them.
func (tr *trial) fewObjects(n *node, prefix []string, port string) {
	t := tr.t
	t.Helper()
	n.fence(t)
	if n == tr.lab.there {
		d, err := tr.lab.startDaemon(fenced, "--insecure", "--listen=0.0.0.0:"+port, "--export=data="+dataDir)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if code, err := d.stop(); err != nil || code != 0 {
				t.Errorf("the daemon ended with %d, %v\n%s", code, err, d.log.String())
			}
		}()
	}
	src := random(t, tr.lab.here, dataDir+"/objects", 300_000)
	for objects, d := 1, tr.across(src, src.path+".copy"); ; objects++ {
		n.allow(t, objects)
		r := tr.rdmacp(d, prefix, "--transport=rdma", "--qps=1", "--port="+port, d.source.arg(), d.arg()).wait()
		if r.exit == 0 {
			t.Logf("%d verbs objects will do", objects)
			return
		}
		if objects > 20 {
			t.Fatalf("%d are not enough\n%s", objects, r.stderr)
		}
		if r.exit != 5 && r.exit != 22 {
			t.Errorf("with %d: exit %d (%s)\n%s", objects, r.exit, r.code, r.stderr)
		}
		if err := threeLines(r.stderr); err != nil {
			t.Errorf("with %d: %v\n%s", objects, err, r.stderr)
		}
	}
}
