//go:build linux

package e2e

import (
	"hash/fnv"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// thorough reports whether all faults are to be tried, and not just as many as make test
// has the time for.
func thorough() bool { return os.Getenv("RDMACP_FAULTS") == "all" }

// atLeast is how many of something there are: few for make test, all for make faults.
func atLeast(few, all int) int {
	if thorough() {
		return all
	}
	return few
}

// number is what a variable says; otherwise where it says nothing.
func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// needsTime leaves a test to make faults.
func needsTime(t *testing.T) {
	t.Helper()
	if !thorough() {
		t.Skip("make faults has the time for it, make test has not")
	}
}

// ways are put and get; one of them where there is not the time for both, the one for some
// tests and the other for others.
func ways(t *testing.T) []string {
	t.Helper()
	both := []string{"put", "get"}
	if thorough() {
		return both
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(t.Name()))
	i := h.Sum32() % 2
	return both[i : i+1]
}

// eachWay runs a test for a put and for a get, or for one of them. An old file stands at the
// destination, and the copy is under way.
func eachWay(t *testing.T, source func(*trial, *node) file, test func(*trial, *copying), flags ...string) {
	t.Helper()
	for _, way := range ways(t) {
		t.Run(way, func(t *testing.T) {
			tr := newTrial(t)
			from, to := tr.ends(way)
			src := source(tr, from)
			path := dataDir + "/fault"
			must(t, to, "echo old >%s", path)
			c := tr.start(tr.to(src, to, path), flags...)
			c.moving()
			test(tr, c)
		})
	}
}

// TestInterrupt interrupts rdmacp in the middle of a copy.
func TestInterrupt(t *testing.T) {
	eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
		c.signal(syscall.SIGINT)
		c.wait().failed(tr.t, 20, "interrupted", "interrupt")
	}, endless...)
}

// TestTerminate is the same with SIGTERM.
func TestTerminate(t *testing.T) {
	eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
		c.signal(syscall.SIGTERM)
		c.wait().failed(tr.t, 20, "interrupted", "terminated")
	}, endless...)
}

// TestKillClient kills rdmacp. Only a get leaves a partial file, since rdmacp was
// the one to write it, and the same command finishes the job.
func TestKillClient(t *testing.T) {
	eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
		c.signal(syscall.SIGKILL)
		c.wait()
		if !tr.freed(tr.lab.there) {
			tr.t.Errorf("rdmad still holds what it had for a client that was killed %.0f s ago", time.Since(c.begun).Seconds())
		}
		if c.dest.host == tr.lab.here {
			tr.copy(c.dest).copied(tr.t)
		}
	}, slow...)
}

// TestKillDaemon kills rdmad. Only a put leaves a partial file.
func TestKillDaemon(t *testing.T) {
	eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
		c.disturbed()
		tr.lab.daemon.signal(tr.t, "KILL")
		c.wait().failed(tr.t, 12, "lost", there)
		if _, err := tr.lab.daemon.wait(); err != nil {
			tr.t.Fatal(err)
		}
		if err := tr.lab.startMain(); err != nil {
			tr.t.Fatal(err)
		}
		if c.dest.host == tr.lab.there {
			tr.copy(c.dest).copied(tr.t)
		}
	}, slow...)
}

// TestStopDaemon stops rdmad, as a host does that swaps. rdmacp gives up; rdmad,
// when it goes on, finds its session dead and leaves nothing.
func TestStopDaemon(t *testing.T) {
	eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
		d := tr.lab.daemon
		c.disturbed()
		d.signal(tr.t, "STOP")
		r := c.wait()
		d.signal(tr.t, "CONT")
		r.failed(tr.t, 12, "lost", there)
		if !d.alive() {
			tr.t.Error("rdmad did not live through SIGSTOP and SIGCONT")
		}
	}, endless...)
}

// TestStopClient stops rdmacp. rdmad gives up and frees what it held; rdmacp,
// when it goes on, says that the connection is lost.
func TestStopClient(t *testing.T) {
	eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
		c.signal(syscall.SIGSTOP)
		freed := tr.freed(tr.lab.there)
		took := time.Since(c.begun).Seconds()
		tr.t.Logf("rdmad gave up after %.1f s: %v", took, freed)
		if !freed || took > answerLimit.Seconds() {
			tr.t.Errorf("rdmad still holds what it had for a client that stopped %.0f s ago", took)
		}
		c.signal(syscall.SIGCONT)
		c.wait().failed(tr.t, 12, "lost", there)
	}, endless...)
}

// freed waits until a node holds nothing for a copy any more.
func (tr *trial) freed(n *node) bool {
	return eventually(answerLimit, func() bool { return tr.lab.unsettled(n) == "" })
}

// TestDrain ends rdmad with SIGTERM in the middle of a copy: the copy finishes,
// the next one is refused, and rdmad ends well.
func TestDrain(t *testing.T) {
	eachWay(t, (*trial).bigFile, func(tr *trial, c *copying) {
		d := tr.lab.daemon
		small := random(tr.t, tr.lab.here, dataDir+"/late", 1000)
		d.signal(tr.t, "TERM")
		if !eventually(answerLimit, func() bool { return d.log.has(`"msg":"draining"`) }) {
			tr.t.Error("rdmad does not log that it drains")
		}
		tr.copy(tr.across(small, dataDir+"/late.copy")).failed(tr.t, 10, "unreachable", there)
		c.wait().copied(tr.t)
		if code, err := d.wait(); err != nil || code != 0 {
			tr.t.Errorf("rdmad ended with exit status %d, %v", code, err)
		}
	}, slow...)
}
