//go:build linux

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// copyLimit bounds one copy in all.
	copyLimit = 90 * time.Second

	// answerLimit is how long rdmacp may take to give up, or to end, after
	// something happened. 10 s are promised; to start a process alone takes an
	// emulated host that others use too some of them.
	answerLimit = 20 * time.Second
)

// slow are flags that make a copy take its time.
var slow = []string{"--slots=1", "--qps=1", "--chunk-size=64KiB"}

// line is what the tests read of rdmacp's lines of JSON.
type line struct {
	Type  string `json:"type"`
	Bytes int64  `json:"bytes"`
	Total int64  `json:"total"`
	Code  string `json:"code"`
}

// copying is a run of rdmacp.
type copying struct {
	trial  *trial
	dest   *destination
	cmd    *exec.Cmd
	stderr output
	stdout output
	lines  chan line
	done   chan struct{}
	once   sync.Once
	begun  time.Time     // the start, or the last disturbance
	ended  time.Time     // once done is closed
	limit  time.Duration // for all of it
}

// result is how a run of rdmacp ended.
type result struct {
	dest    *destination
	exit    int    // -1: by a signal
	code    string // the fault's
	stderr  string
	stdout  string
	seconds float64 // since the start, or the last disturbance
}

// rdmacp starts rdmacp with the arguments, behind a prefix that may be nil, and
// with what ends up in dest.
func (tr *trial) rdmacp(dest *destination, prefix []string, args ...string) *copying {
	tr.t.Helper()
	argv := append(append(append([]string{}, prefix...), tr.lab.rdmacp, "--json", "--rails=1", "--retry-for=0"), args...)
	c := &copying{trial: tr, dest: dest, lines: make(chan line, 1024), done: make(chan struct{}), begun: time.Now(), limit: copyLimit}
	c.cmd = exec.CommandContext(context.Background(), argv[0], argv[1:]...)
	c.cmd.Stderr = &c.stderr
	stdout, err := c.cmd.StdoutPipe()
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		tr.t.Fatalf("start %q: %v", argv, err)
	}
	go c.read(stdout)
	// No run outlives its test, stopped or not.
	tr.t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		<-c.done
	})
	return c
}

// read reads the lines of JSON until the end.
func (c *copying) read(stdout io.Reader) {
	defer close(c.done)
	defer close(c.lines)
	for s := bufio.NewScanner(stdout); s.Scan(); {
		_, _ = fmt.Fprintln(&c.stdout, s.Text())
		var l line
		if json.Unmarshal(s.Bytes(), &l) == nil {
			c.lines <- l
		}
	}
	_ = c.cmd.Wait()
	c.ended = time.Now()
}

// moving waits until bytes have moved.
func (c *copying) moving() {
	c.trial.t.Helper()
	limit := time.After(answerLimit)
	for {
		select {
		case l, ok := <-c.lines:
			if !ok || l.Type == "summary" || l.Type == "error" {
				r := c.wait()
				c.trial.t.Fatalf("the copy ended before it could be disturbed: exit %d after %.1f s\n%s", r.exit, r.seconds, r.stderr)
			}
			if l.Type == "progress" && l.Bytes > 0 {
				return
			}
		case <-limit:
			c.trial.t.Fatalf("nothing has moved within %v\n%s", answerLimit, c.stderr.String())
		}
	}
}

// moved waits until most has moved, or the copy has ended; the time counts from
// here.
func (c *copying) moved(share float64) {
	for l := range c.lines {
		if l.Type == "progress" && float64(l.Bytes) >= share*float64(l.Total) {
			break
		}
	}
	c.disturbed()
}

// says waits until rdmacp has said something.
func (c *copying) says(what string) {
	c.trial.t.Helper()
	for limit := time.Now().Add(c.limit); !strings.Contains(c.stderr.String(), what); time.Sleep(50 * time.Millisecond) {
		select {
		case <-c.done:
			c.trial.t.Fatalf("the copy ended, and did not say %q\n%s", what, c.stderr.String())
		default:
		}
		if time.Now().After(limit) {
			c.trial.t.Fatalf("it did not say %q within %v\n%s", what, c.limit, c.stderr.String())
		}
	}
}

// disturbed says that from now on the time counts.
func (c *copying) disturbed() { c.begun = time.Now() }

// signal sends rdmacp a signal; the time counts from here.
func (c *copying) signal(s syscall.Signal) {
	c.trial.t.Helper()
	c.disturbed()
	if err := c.cmd.Process.Signal(s); err != nil {
		c.trial.t.Fatalf("send %v to rdmacp: %v", s, err)
	}
}

// wait waits for the end of rdmacp.
func (c *copying) wait() result {
	t := c.trial.t
	t.Helper()
	select {
	case <-c.done:
	case <-time.After(c.limit):
		_ = c.cmd.Process.Signal(syscall.SIGQUIT)
		time.Sleep(2 * time.Second)
		t.Fatalf("rdmacp has not ended within %v\n%s", c.limit, c.stderr.String())
	}
	r := result{
		dest: c.dest, exit: c.cmd.ProcessState.ExitCode(), seconds: max(0, c.ended.Sub(c.begun).Seconds()),
		stderr: c.stderr.String(), stdout: c.stdout.String(),
	}
	for text := range strings.Lines(r.stdout) {
		var l line
		if json.Unmarshal([]byte(text), &l) == nil && l.Type == "error" {
			r.code = l.Code
		}
	}
	c.once.Do(func() { answered(t.Name(), r) })
	c.dest.ended(r)
	return r
}

// copied ends the test unless the copy succeeded. That it was resumed is all that
// it may have to say.
func (r result) copied(t *testing.T) {
	t.Helper()
	if r.exit != 0 || strings.Contains(r.stderr, "  why: ") || strings.Contains(r.stderr, "cannot") {
		t.Fatalf("exit %d after %.1f s, want 0 and no complaint\n%s", r.exit, r.seconds, r.stderr)
	}
}

// failed checks that the copy failed in time with that exit status and code, and
// said so in three lines with these words among them.
func (r result) failed(t *testing.T, exit int, code string, words ...string) {
	t.Helper()
	if r.exit != exit || r.code != code {
		t.Errorf("exit %d (%s), want %d (%s)", r.exit, r.code, exit, code)
	}
	if r.seconds > answerLimit.Seconds() {
		t.Errorf("answered after %.1f s, want %v at most", r.seconds, answerLimit)
	}
	if err := threeLines(r.stderr); err != nil {
		t.Error(err)
	}
	for _, w := range words {
		if !strings.Contains(r.stderr, w) {
			t.Errorf("stderr does not say %q", w)
		}
	}
	if t.Failed() {
		t.Logf("stderr:\n%s", r.stderr)
	}
}

// threeLines checks that text is a fault as a person reads it.
func threeLines(text string) error {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, start := range []string{"rdmacp: ", "  why: ", "  fix: "} {
		if len(lines) != 3 || len(lines[i]) <= len(start) || !strings.HasPrefix(lines[i], start) {
			return errors.New("stderr is not three lines: what, why, fix")
		}
	}
	return nil
}

// answers are the times that rdmacp took, for the end of the run.
var answers struct {
	sync.Mutex
	lines []string
}

func answered(name string, r result) {
	answers.Lock()
	defer answers.Unlock()
	answers.lines = append(answers.lines, fmt.Sprintf("%-58s exit %3d %-14s %5.1f s", name, r.exit, r.code, r.seconds))
}

func printAnswers(w io.Writer) {
	answers.Lock()
	defer answers.Unlock()
	for _, l := range answers.lines {
		_, _ = fmt.Fprintln(w, "answer:", l)
	}
}
