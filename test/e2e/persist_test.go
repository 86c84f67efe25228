//go:build linux

package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// TestGoesOn breaks a copy in ways that pass, and it goes on by itself, with what had
// come to stay.
func TestGoesOn(t *testing.T) {
	for _, c := range []struct {
		name, way, transport string // by which it goes on
		broken               func(l *lab, t *testing.T)
	}{
		{"daemon killed", "put", "rdma", (*lab).restart},
		{"wire cut for 8 s", "get", "rdma", (*lab).cutAWhile},
		{"RoCE dropped for good", "put", "tcp", (*lab).wall},
	} {
		if c.transport == "tcp" && !thorough() {
			continue // TestFirewall has the like of it
		}
		t.Run(c.name, func(t *testing.T) {
			tr := newTrial(t)
			source := tr.lab.here
			if c.way == "get" {
				source = tr.lab.there
			}
			src := random(t, source, dataDir+"/going", 10<<20)
			run := tr.start(tr.across(src, src.path+".on"), "--retry-for=60s", "--bwlimit=2M")
			run.moved(0.4)
			c.broken(tr.lab, t)
			r := run.wait()
			r.copied(t)
			s := r.summary(t)
			t.Logf("%.1f s after it was broken: %+v\n%s", r.seconds, s, r.stderr)
			if s.Earlier.Connections < 1 || s.Resumed < 1<<20 || s.Resumed+s.Bytes != 10<<20 || s.Transport != c.transport {
				t.Errorf("the summary says %+v", s)
			}
		})
	}
}

// restart kills the daemon and starts another.
func (l *lab) restart(t *testing.T) {
	t.Helper()
	l.daemon.signal(t, "KILL")
	if _, err := l.daemon.wait(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	if err := l.startMain(); err != nil {
		t.Fatal(err)
	}
}

// cutAWhile cuts the wire for longer than an end waits for the other.
func (l *lab) cutAWhile(t *testing.T) {
	t.Helper()
	const whole = "tc qdisc replace dev eth0 root pfifo limit 100000"
	for _, n := range l.nodes() {
		mustLater(t, n, whole)
		must(t, n, "tc qdisc replace dev eth0 root netem loss 100%% limit 100000")
	}
	time.Sleep(8 * time.Second)
	for _, n := range l.nodes() {
		must(t, n, whole)
	}
}

// summary is what the tests read of the last line of JSON.
type summary struct {
	Bytes, Resumed int64
	Retries        int
	Transport      string
	Fallback       string
	Earlier        struct{ Connections, Bytes int64 }
}

// summary is the last line of JSON.
func (r result) summary(t *testing.T) (s summary) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(r.stdout), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &s); err != nil {
		t.Fatal(err)
	}
	return s
}
