//go:build linux

package e2e

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The points at which one end of a copy is killed (package failpoint): each step of who makes the files, ahead of it and
// behind it; what a lender does, which is the client; and what a driver does, which is the daemon. Once a tree has lost
// its mark all is in place, and the same command means another thing.
var (
	sinkPoints = []string{
		"open", "lock", "space", "resize", "preallocate", "write", "chmod", "times", "sync", "verify", "rename", "sync-dir", "sync-fs", "mkdir", "link",
		"owner", "xattrs", "journal-make", "journal-sync", "journal-append", "journal-keep", "journal-remove", "make", "put-made", "delete",
	}
	lenderPoints = []string{"lend", "offer", "take-back"}
	driverPoints = []string{"post", "completion", "settle"}
	markPoints   = []string{"mkdir", "mkdir/done", "mark", "mark/done", "put-made", "put-made/done", "unmark"} // of a tree that has no name yet
	resumePoints = []string{"identify", "identify/done", "punch", "punch/done", "journal-read", "journal-read/done"}
)

// failPort is where a daemon listens that is going to be killed.
const failPort = "7478"

// TestFailpoints kills either end of a copy at each step of its work, once. No name shows anything but the old or the new
// file, and the same command makes it whole.
func TestFailpoints(t *testing.T) {
	for _, way := range ways(t) {
		t.Run(way, func(t *testing.T) {
			f := newFailing(t, way)
			for _, p := range some(f.points()) {
				t.Run(strings.ReplaceAll(p.name, "/", "-"), func(t *testing.T) { f.at(t, p) })
			}
		})
	}
}

// point is where a process is killed.
type point struct {
	name    string
	here    bool   // the client is, else the daemon
	newTree bool   // the destination is not there yet
	resumed bool   // it is in the second run of a copy
	flag    string // by which it is come by
}

// failing is a copy, one end of which is to fail.
type failing struct {
	*trial
	way          string
	source, sink *node
	sums         map[string]bool // digests of what may stand at a name: NAME SUM
	want         string          // what the copy is to be
	killers      *lab            // with commands that fail
}

const (
	failFrom = dataDir + "/failing"
	failTo   = dataDir + "/failed"
)

func newFailing(t *testing.T, way string) *failing {
	t.Helper()
	f := &failing{trial: newTrial(t), way: way, sums: map[string]bool{}}
	f.source, f.sink = f.lab.here, f.lab.there
	if way == "get" {
		f.source, f.sink = f.sink, f.source
	}
	killers := *f.lab
	for _, command := range []*string{&killers.rdmacp, &killers.rdmad} {
		*command = filepath.Join(filepath.Dir(*command), "failpoint", filepath.Base(*command))
	}
	f.killers = &killers
	must(t, f.source, `mkdir -p %[1]s/sub && cd %[1]s && head -c 12000000 /dev/urandom >big && truncate -s 14M big && head -c 9000000 /dev/urandom >dense &&
ln -s big link && ln big sub/linked && mkfifo pipe && for i in 1 2 3 4 5 6 7 8 9; do mkdir -p more/$i && echo $i >sub/$i && echo $i $i >more/$i/$i; done &&
touch -d @1500000000.123456789 sub/* more/*/* more/* more sub big dense`, failFrom)
	mustLater(t, f.source, "rm -rf %s", failFrom)
	mustLater(t, f.sink, "rm -rf %s", failTo)
	f.plant(t)
	for _, dir := range []struct {
		n    *node
		path string
	}{{f.source, failFrom}, {f.sink, failTo}} {
		f.noteSums(t, dir.n, dir.path)
	}
	f.want = f.listing(t, f.source, failFrom)
	return f
}

// plant makes the destination, with some of what is copied, and something that is to go.
func (f *failing) plant(t *testing.T) {
	t.Helper()
	must(t, f.sink, "rm -rf %[1]s && mkdir -p %[1]s/sub && echo old >%[1]s/sub/3 && echo gone >%[1]s/gone", failTo)
}

// sumsOf are the names and digests of the files below a directory, but for hidden ones.
func (f *failing) sumsOf(t *testing.T, n *node, dir string) []string {
	t.Helper()
	out := must(t, n, "test ! -e %[1]s || { cd %[1]s && find . -type f ! -name '.*.rdmacp-*' ! -name .rdmacp-tree -exec sha256sum {} +; }", dir)
	return strings.FieldsFunc(out, func(r rune) bool { return r == '\n' })
}

func (f *failing) noteSums(t *testing.T, n *node, dir string) {
	t.Helper()
	for _, line := range f.sumsOf(t, n, dir) {
		f.sums[line] = true
	}
}

// listing is everything that a copy keeps of a tree.
func (f *failing) listing(t *testing.T, n *node, dir string) string {
	t.Helper()
	return must(t, n, `cd %s && find . -mindepth 1 -printf '%%P %%y %%#m %%U %%G %%T@ %%l %%n\n' | sort && find . -type f | sort | xargs sha256sum`, dir)
}

// points are those of this way.
func (f *failing) points() (all []point) {
	add := func(names []string, here bool, like point) {
		for _, name := range names {
			like.name, like.here = name, here
			all = append(all, like)
		}
	}
	sinkHere := f.way == "get"
	around := func(names []string) (both []string) {
		for _, name := range names {
			both = append(both, name, name+"/done")
		}
		return both
	}
	add(around(sinkPoints), sinkHere, point{})
	add(around([]string{"digest"}), sinkHere, point{flag: "--digest=sha256"})
	add(around([]string{"read-back"}), sinkHere, point{flag: "--read-back"})
	add(markPoints, sinkHere, point{newTree: true})
	add(resumePoints, sinkHere, point{resumed: true})
	add(lenderPoints, true, point{})
	add(driverPoints, false, point{})
	return all
}

// some returns three of them, by chance, where there is not the time for all.
func some(points []point) []point {
	if thorough() {
		return points
	}
	rand.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	return points[:min(3, len(points))]
}

// at kills an end at a point, and copies again.
func (f *failing) at(t *testing.T, p point) {
	t.Helper()
	f.plant(t)
	if p.newTree {
		must(t, f.sink, "rm -rf %s", failTo)
	}
	if p.resumed {
		f.killed(t, point{name: "journal-keep/done", here: p.here})
	}
	f.killed(t, p)
	f.oldOrNew(t)
	var r result
	begun := time.Now()
	if !eventually(answerLimit, func() bool { r = f.run(t, f.within(t), nil, p, port); return r.exit == 0 }) {
		t.Fatalf("the same command again: exit %d\n%s", r.exit, r.stderr)
	}
	t.Logf("the same command again: %.1f s, %d bytes resumed", time.Since(begun).Seconds(), lastField(r.stdout, "resumed"))
	f.whole(t)
}

// oldOrNew holds what shows at the destination against what may.
func (f *failing) oldOrNew(t *testing.T) {
	t.Helper()
	for _, line := range f.sumsOf(t, f.sink, failTo) {
		if !f.sums[line] {
			t.Errorf("neither the old file nor the new one: %s", line)
		}
	}
}

// killed runs the copy, and fails the test unless one end was killed at the point.
func (f *failing) killed(t *testing.T, p point) {
	t.Helper()
	env := []string{"env", fmt.Sprintf("RDMACP_FAILPOINT=%s=kill", p.name)}
	if p.here {
		with := &trial{t: t, lab: f.killers, parent: f.trial}
		if r := f.run(t, with, env, p, port); r.exit != -1 {
			t.Fatalf("rdmacp was not killed at %s, but ended with %d\n%s", p.name, r.exit, r.stderr)
		}
		return
	}
	d, err := f.killers.startDaemonOn(f.lab.there, env, "--insecure", "--listen=0.0.0.0:"+failPort, "--export=data="+dataDir)
	if err != nil {
		t.Fatal(err)
	}
	r := f.run(t, f.within(t), nil, p, failPort)
	if r.exit == 0 || !eventually(answerLimit, func() bool { return !d.alive() }) {
		_, _ = d.stop()
		t.Fatalf("rdmad was not killed at %s: rdmacp ended with %d\n%s", p.name, r.exit, r.stderr)
	}
}

// run runs the copy.
func (f *failing) run(t *testing.T, with *trial, prefix []string, p point, port any) result {
	t.Helper()
	args := []string{failFrom, there + "::data/failed"}
	if f.way == "get" {
		args = []string{there + "::data/failing", failTo}
	}
	if !p.newTree {
		args[0], args[1] = args[0]+"/", args[1]+"/"
	}
	flags := []string{fmt.Sprintf("--port=%v", port), "-aHXA", "--delete", "--chunk-size=256KiB"}
	if p.flag != "" {
		flags = append(flags, p.flag)
	}
	c := with.rdmacp(nil, prefix, slices.Concat(flags, args)...)
	return c.wait()
}
