package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// kills is how many times TestKills kills one end, each way. RDMACP_KILLS is
// another number.
const kills = 3

// TestKills copies a tree and kills either end again and again, at random moments,
// with SIGKILL. The same command goes on each time, and in the end every byte is
// right.
func TestKills(t *testing.T) {
	n := kills
	if s := os.Getenv("RDMACP_KILLS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	for _, way := range []string{"put", "get"} {
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
for i in $(seq 300); do echo $i-$i >small/$i; done && ln -s big link && truncate -s 1G hole && echo end >>hole`, dataDir)
	must(t, sink, "mkdir -p %s/copy", dataDir)
	mustLater(t, source, "rm -rf %s/tree", dataDir)
	mustLater(t, sink, "rm -rf %s/copy", dataDir)

	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	var killed, moved, resumed int64
	limit := time.Duration(n) * 20 * time.Second
	for begun := time.Now(); ; {
		slowly := []string{fmt.Sprintf("--bwlimit=%dMiB", 2+rng.IntN(6)), "--chunk-size=256KiB"}
		if killed >= int64(n) {
			slowly = nil
		}
		c := tr.rdmacp(nil, nil, append(slowly, args...)...)
		timer := time.AfterFunc(time.Duration(500+rng.IntN(4000))*time.Millisecond, func() {
			switch {
			case killed >= int64(n):
			case rng.IntN(2) == 0:
				_ = c.cmd.Process.Signal(syscall.SIGKILL)
			default:
				_, _ = tr.lab.there.sh("kill -KILL %d", tr.lab.daemon.pid)
			}
		})
		r := c.wait()
		timer.Stop()
		moved += lastMoved(r.stdout)
		if r.exit == 0 {
			resumed = lastField(r.stdout, "resumed")
			break
		}
		killed++
		if !eventually(10*time.Second, func() bool { return r.exit != -1 || tr.lab.daemon.alive() }) || !tr.lab.daemon.alive() {
			if _, err := tr.lab.daemon.wait(); err != nil {
				t.Fatal(err)
			}
			if err := tr.lab.startMain(); err != nil {
				t.Fatal(err)
			}
		}
		if time.Since(begun) > limit {
			t.Fatalf("%d kills took %v", killed, limit)
		}
	}
	const digest = "cd %s && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum"
	if want, got := must(t, source, digest, dataDir+"/tree"), must(t, sink, digest, dataDir+"/copy/tree"); want != got {
		t.Errorf("after %d kills the copy has %s, want %s", killed, got, want)
	}
	t.Logf("%d kills; %d bytes moved in all runs, %d resumed in the last", killed, moved, resumed)
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

// lastMoved is how many bytes a run has moved, by the last that it said.
func lastMoved(stdout string) int64 { return lastField(stdout, "bytes") }
