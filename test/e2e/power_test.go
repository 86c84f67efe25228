//go:build linux

package e2e

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestPowerLoss cuts the power of the host that is copied to, at random moments: every name
// there is absent, old, or new and complete, and the same command goes on with what its
// journal says. It does so once more at the very moment when the command has said that all
// is there: it is.
func TestPowerLoss(t *testing.T) {
	needsTime(t)
	for _, way := range ways(t) {
		for _, d := range disks() {
			t.Run(way+" "+d, func(t *testing.T) {
				seed := uint64(time.Now().UnixNano())
				t.Logf("seed %d", seed)
				o := newOutage(t, way, d, rand.New(rand.NewPCG(seed, 0)))
				for round := range 2 {
					o.round(t, round)
				}
				t.Logf("%d cuts, %d of them once all was said to be there; %d bytes were on record, %d were gone on with", o.cuts, o.done, o.recorded, o.resumed)
			})
		}
	}
}

// disks are the file systems that a host with a power cut has. All but "disk" are on a
// loop device, which has a write cache: what was written to it and not flushed lies in the
// page cache of its file, and is lost with it. XFS and btrfs are tried where there are the
// tools for them.
func disks() []string {
	some := []string{"ext4"}
	for _, fs := range []string{"xfs", "btrfs"} {
		if _, err := exec.LookPath("mkfs." + fs); err == nil {
			some = append(some, fs)
		}
	}
	return append(some, "disk")
}

// outage is a tree that is copied to node2, whose power is cut.
type outage struct {
	trial *trial
	rng   *rand.Rand
	way   string
	disk  string

	daemon *daemon // of a get: on node1
	want   contents

	cuts, done        int
	recorded, resumed int64
}

// contents are digests of files by their names, and what attributes everything has.
type contents struct {
	sums map[string]string
	list string
}

const (
	lostDir  = diskDir + "/power" // where the copies go
	lostDisk = diskDir + "/power.img"
	lostPort = 7476 // of the daemon on node1
	lostTree = dataDir + "/lasting"
)

// the old file, which stands where the tree has another.
const oldName = "some/replaced"

func newOutage(t *testing.T, way, disk string, rng *rand.Rand) *outage {
	t.Helper()
	tr := newTrial(t)
	o := &outage{trial: tr, rng: rng, way: way, disk: disk}
	l := tr.lab
	must(t, l.here, `mkdir -p %[1]s/small %[1]s/some/where && cd %[1]s && head -c 24000000 /dev/urandom >big && head -c 9876543 /dev/urandom >less &&
head -c 10000000 /dev/urandom >some/replaced && head -c 5000 /dev/urandom >some/where/last &&
for i in $(seq 300); do echo $i-$i >small/$i; done && head -c 70000 /dev/urandom >small/large && ln -s big link && ln big small/hard && truncate -s 64M hole && echo end >>hole`, lostTree)
	mustLater(t, l.here, "rm -rf %s", lostTree)
	o.want = o.contents(t, l.here, lostTree)
	if disk != "disk" {
		// Its blocks are all there, so that a flush has nothing else to bring to the disk.
		must(t, l.there, `set -e
dd if=/dev/zero of=%[1]s bs=1M count=%[2]d status=none
modprobe %[3]s
mkfs.%[3]s -q %[1]s`, lostDisk, sizes[disk], disk)
	}
	o.mount(t)
	mustLater(t, l.there, "umount %[1]s 2>/dev/null; rm -rf %[1]s %[2]s", lostDir, lostDisk)
	if way == "get" {
		var err error
		o.daemon, err = l.startDaemonOn(l.here, nil, "--insecure", "--listen", fmt.Sprintf("0.0.0.0:%d", lostPort), "--export", "data="+dataDir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if code, err := o.daemon.stop(); err != nil || code != 0 {
				t.Errorf("the daemon on %s ended with %d, %v\n%s", here, code, err, o.daemon.log.String())
			}
		})
	}
	return o
}

// sizes of the loop devices, in MiB: as small as the file system can be.
var sizes = map[string]int{"ext4": 160, "xfs": 320, "btrfs": 256}

// mount mounts what the copies go to, on a host that has just booted.
func (o *outage) mount(t *testing.T) {
	t.Helper()
	must(t, o.trial.lab.there, "mkdir -p %s", lostDir)
	if o.disk != "disk" {
		must(t, o.trial.lab.there, "modprobe loop && modprobe %s && mount -o loop %s %s", o.disk, lostDisk, lostDir)
	}
}

// round copies the tree, with a power cut on the way and one at the end.
func (o *outage) round(t *testing.T, round int) {
	t.Helper()
	l := o.trial.lab
	to := o.prepare(t, round)
	slowly := []string{"--chunk-size=256KiB"}
	if most := o.rng.IntN(16); most > 2 {
		slowly = append(slowly, fmt.Sprintf("--bwlimit=%dMiB", most))
	}
	c := o.start(to, slowly...)
	c.moving()
	share, after := o.rng.Float64(), time.Duration(o.rng.IntN(1500))*time.Millisecond
	c.moved(share)
	time.Sleep(after)
	c.disturbed()
	o.cut(t)
	done := o.ended(t, c)
	t.Logf("round %d: power cut %v after %.2f of the bytes, with %q", round, after, share, slowly[1:])
	o.look(t, to, done)
	if done {
		o.done++
		return
	}
	recorded := o.journals(t)
	r := o.start(to).wait()
	if r.exit != 0 {
		t.Fatalf("round %d, once more: exit %d (%s)\n%s", round, r.exit, r.code, r.stderr)
	}
	o.done++
	o.cut(t)
	resumed := r.summary(t).Resumed
	if resumed < recorded {
		t.Errorf("round %d: %d bytes were gone on with, and the journals have %d", round, resumed, recorded)
	}
	o.recorded += recorded
	o.resumed += resumed
	o.look(t, to, true)
	if left := must(t, l.there, "find %s -name '.*.rdmacp-*'", lostDir); left != "" {
		t.Errorf("round %d: there are left\n%s", round, left)
	}
}

// prepare makes what is there before the copy, and returns where the tree is to be: in a
// directory that has an old file, or under a name that is free.
func (o *outage) prepare(t *testing.T, round int) string {
	t.Helper()
	if round%2 == 1 {
		must(t, o.trial.lab.there, "cd %s && rm -rf in new && sync", lostDir)
		return lostDir + "/new"
	}
	to := lostDir + "/in/lasting"
	must(t, o.trial.lab.there, "cd %s && rm -rf in new && mkdir -p %s/some && echo old >%s/%s && sync", lostDir, to, to, oldName)
	return to
}

// start starts the copy.
func (o *outage) start(to string, flags ...string) *copying {
	to = strings.TrimSuffix(to, "lasting")
	args := append(append([]string{}, flags...), "-a")
	var prefix []string
	if o.way == "put" {
		args = append(args, lostTree, there+":"+to)
	} else {
		prefix = o.trial.lab.there.argv[:2]
		args = append(args, fmt.Sprintf("--port=%d", lostPort), here+":"+lostTree, to)
	}
	return o.trial.rdmacp(nil, prefix, args...)
}

// cut cuts node2's power, and sees to it that what there was is there again.
func (o *outage) cut(t *testing.T) {
	t.Helper()
	o.trial.lab.cutPower(t)
	o.cuts++
	o.mount(t)
	if o.way == "put" {
		if err := o.trial.lab.startMain(); err != nil {
			t.Fatal(err)
		}
	}
}

// ended waits for the end of a copy that had a power cut, and reports whether it was done
// before. Its end that lives has to notice.
func (o *outage) ended(t *testing.T, c *copying) bool {
	t.Helper()
	if o.way == "put" {
		r := c.wait()
		if r.exit != 0 {
			r.failed(t, 12, "lost", there)
		}
		return r.exit == 0
	}
	_ = c.cmd.Process.Kill() // "on": rdmacp is gone
	<-c.done
	done := c.cmd.ProcessState.ExitCode() == 0
	if !done {
		answered(t.Name(), result{exit: -1})
	}
	if !o.trial.freed(o.trial.lab.here) {
		t.Errorf("the daemon on %s still holds what it had for a client whose host has lost its power", here)
	}
	return done
}

// look looks at every name.
func (o *outage) look(t *testing.T, to string, all bool) {
	t.Helper()
	got := o.contents(t, o.trial.lab.there, to)
	if all {
		if !maps.Equal(got.sums, o.want.sums) {
			t.Errorf("not all is there that was said to be: %s", differences(got.sums, o.want.sums))
		} else if got.list != o.want.list {
			t.Errorf("the copy is\n%s\nwant\n%s", got.list, o.want.list)
		}
		return
	}
	if _, kept := got.sums[oldName]; !kept && strings.HasSuffix(to, "lasting") {
		t.Errorf("%s is gone: it was to be replaced", oldName)
	}
	for name, sum := range got.sums {
		if sum != o.want.sums[name] && (name != oldName || sum != oldSum) {
			t.Errorf("%s has sha256 %s, which is neither the old file's nor the new one's", name, sum)
		}
	}
	t.Logf("%d of %d files are there", len(got.sums), len(o.want.sums))
}

// oldSum is the digest of the old file.
const oldSum = "01d09d19c2139a46aebfb577780d123d7396e97201bc7ead210a2ebff8239dee"

// differences names some of what is not the same.
func differences(got, want map[string]string) string {
	var all []string
	for name, sum := range want {
		if got[name] != sum {
			all = append(all, fmt.Sprintf("%s is %q", name, got[name]))
		}
	}
	for name := range got {
		if want[name] == "" {
			all = append(all, name+" is too many")
		}
	}
	return strings.Join(all[:min(len(all), 10)], ", ")
}

// contents reads all that is there, but for what is in the making.
func (o *outage) contents(t *testing.T, n *node, top string) contents {
	t.Helper()
	c := contents{sums: map[string]string{}}
	out := must(t, n, "test ! -d %[1]s || { cd %[1]s && find . -type f ! -name '.*.rdmacp-*' ! -name .rdmacp-tree -print0 | xargs -0 -r sha256sum; }", top)
	for text := range strings.Lines(out) {
		if sum, name, ok := strings.Cut(strings.TrimSpace(text), "  ./"); ok {
			c.sums[name] = sum
		}
	}
	c.list = must(t, n, "test ! -d %[1]s || { cd %[1]s && find . -type f -printf '%%P: %%m, %%n names, %%T@, %%s bytes\n' -o -printf '%%P: %%y %%m %%T@ %%l\n' | sort; }", top)
	return c
}

// journals is how many bytes the journals over there have on record.
func (o *outage) journals(t *testing.T) (bytes int64) {
	t.Helper()
	out := must(t, o.trial.lab.there, `find %s -name '.*.rdmacp-journal' | while read -r j; do test ! -e "${j%%journal}partial" || { base64 -w0 <"$j"; echo; }; done`, lostDir)
	for text := range strings.Lines(out) {
		journal, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		if err != nil {
			t.Fatal(err)
		}
		bytes += onRecord(journal)
	}
	return bytes
}

// onRecord is how many bytes a journal has on record: behind 8 bytes of magic come records
// of a kind, a length, as many bytes and a digest.
func onRecord(journal []byte) (bytes int64) {
	const magic, head, tail = 8, 3, 8
	for at := magic; at+head <= len(journal); {
		n := int(binary.LittleEndian.Uint16(journal[at+1:]))
		if at+head+n+tail > len(journal) {
			break
		}
		if journal[at] == 'R' && n >= 16 {
			bytes += int64(binary.LittleEndian.Uint64(journal[at+head+8:]))
		}
		at += head + n + tail
	}
	return bytes
}
