//go:build linux

package e2e

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// kills is how many times TestKills kills one end, each way. RDMACP_KILLS is
// another number.
const kills = 3

// mostAgain is how much may be sent again for each kill, at the rates of TestKills: what a journal is behind, a second or so,
// and what is in flight.
const mostAgain = 24 << 20

// TestKills copies a tree and kills either end again and again, at random moments,
// with SIGKILL. The same command goes on each time, and in the end every byte is
// right.
func TestKills(t *testing.T) {
	n := number(t, "RDMACP_KILLS", kills)
	for _, way := range ways(t) {
		t.Run(way, func(t *testing.T) { killAgainAndAgain(t, way, n) })
	}
}

func killAgainAndAgain(t *testing.T, way string, n int) {
	t.Helper()
	tr := newTrial(t)
	source, sink := tr.lab.here, tr.lab.there
	args := []string{"-a", dataDir + "/tree", there + "::data/copy/"}
	if way == "get" {
		source, sink = sink, source
		args = []string{"-a", there + "::data/tree", dataDir + "/copy/"}
	}
	must(t, source, `mkdir -p %[1]s/tree/small && cd %[1]s/tree && head -c 40000000 /dev/urandom >big && head -c 12345678 /dev/urandom >less &&
for i in $(seq 300); do echo $i-$i >small/$i; done && ln -s big link && truncate -s 64M hole && echo end >>hole`, dataDir)
	must(t, sink, "mkdir -p %s/copy", dataDir)
	mustLater(t, source, "rm -rf %s/tree", dataDir)
	mustLater(t, sink, "rm -rf %s/copy", dataDir)

	k := &killer{trial: tr, rng: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0)), most: n, args: args}
	whole := k.wire(t, sink, func() { // what a copy takes of the wires that nobody kills
		if r := tr.rdmacp(nil, nil, append(slowly(64), args...)...).wait(); r.exit != 0 {
			t.Fatalf("exit %d\n%s", r.exit, r.stderr)
		}
	})
	limit := time.Duration(n) * 20 * time.Second
	const digest = "cd %s && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum"
	want := must(t, source, digest, dataDir+"/tree")
	rounds, moved := 0, int64(0)
	for begun := time.Now(); k.killed < n; rounds++ {
		must(t, sink, "rm -rf %[1]s/copy && mkdir %[1]s/copy", dataDir)
		moved += k.wire(t, sink, func() { k.round(t) })
		if got := must(t, sink, digest, dataDir+"/copy/tree"); want != got {
			t.Fatalf("after %d kills the copy has %s, want %s", k.killed, got, want)
		}
		if time.Since(begun) > limit {
			t.Fatalf("%d kills took %v", k.killed, limit)
		}
	}
	again := max(0, moved-int64(rounds)*whole)
	t.Logf("%d kills in %d copies, which take %d bytes of the wires; %d more came, %d for a kill; %d resumed in the last run of each",
		k.killed, rounds, whole, again, again/int64(k.killed), k.resumed)
	answered(t.Name()+fmt.Sprintf("/%d_kills", k.killed), result{code: fmt.Sprintf("%d KiB sent again for each", again/int64(k.killed)>>10)})
	if again > int64(k.killed)*mostAgain {
		t.Errorf("%d bytes were sent again, want %d at most for each kill", again, mostAgain)
	}
}

// slowly are flags by which a kill comes in the middle.
func slowly(mib int) []string {
	return []string{fmt.Sprintf("--bwlimit=%dMiB", mib), "--chunk-size=256KiB"}
}

// wire is how many bytes come to a node by its wires meanwhile.
func (k *killer) wire(t *testing.T, n *node, meanwhile func()) int64 {
	t.Helper()
	count := func() (sum int64) {
		for text := range strings.FieldsSeq(must(t, n, "cat /sys/class/net/eth[01]/statistics/rx_bytes")) {
			bytes, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += bytes
		}
		return sum
	}
	before := count()
	meanwhile()
	return count() - before
}

// killer copies a tree again and again, and kills either end meanwhile.
type killer struct {
	trial        *trial
	rng          *rand.Rand
	args         []string
	killed, most int
	resumed      int64
}

// round copies until all is there. Kills come until there were as many as are wanted.
func (k *killer) round(t *testing.T) {
	t.Helper()
	for {
		var flags []string
		if k.killed < k.most {
			flags = slowly(2 + k.rng.IntN(6))
		}
		r := k.run(flags)
		if r.exit == 0 {
			k.resumed += lastField(r.stdout, "resumed")
			return
		}
		k.killed++
		k.revive(t, r)
	}
}

// run runs the copy, and kills one of its ends if it takes long enough.
func (k *killer) run(flags []string) result {
	daemon := k.trial.lab.daemon
	here, after := k.rng.IntN(2) == 0, time.Duration(500+k.rng.IntN(4000))*time.Millisecond
	c := k.trial.rdmacp(nil, nil, append(flags, k.args...)...)
	if flags != nil {
		defer time.AfterFunc(after, func() {
			if here {
				_ = c.cmd.Process.Signal(syscall.SIGKILL)
				return
			}
			_, _ = k.trial.lab.there.sh("kill -KILL %d", daemon.pid)
		}).Stop()
	}
	return c.wait()
}

// revive sees to it that there is a daemon.
func (k *killer) revive(t *testing.T, r result) {
	t.Helper()
	l := k.trial.lab
	if eventually(10*time.Second, func() bool { return r.exit != -1 || l.daemon.alive() }) && l.daemon.alive() {
		return
	}
	if _, err := l.daemon.wait(); err != nil {
		t.Fatal(err)
	}
	if err := l.startMain(); err != nil {
		t.Fatal(err)
	}
}

// lastField is a number in the last line of JSON that has it.
func lastField(stdout, name string) int64 {
	i := strings.LastIndex(stdout, `"`+name+`":`)
	if i < 0 {
		return 0
	}
	digits := stdout[i+len(name)+3:]
	n, _ := strconv.ParseInt(digits[:strings.IndexFunc(digits+" ", func(r rune) bool { return r < '0' || r > '9' })], 10, 64)
	return n
}
