//go:build linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// How long a daemon may take to be ready, and to end. A host that has just booted has its
// program to read first, of which emulation makes half a minute at times.
const (
	startLimit = time.Minute
	stopLimit  = 45 * time.Second
)

// daemon is a rdmad, on node2 but for one test.
type daemon struct {
	host *node
	cmd  *exec.Cmd // that runs it: "on", where it is on node2
	pid  int       // over there
	log  *output
	done chan struct{} // closed at its end
	err  error         // what it ended with, once done is closed
	rest held          // what it holds while nobody copies; zero until that was looked at
}

// startDaemon starts rdmad on node2 and waits until it is ready. In front of it,
// a command may change what it runs as.
func (l *lab) startDaemon(prefix []string, args ...string) (*daemon, error) {
	return l.startDaemonOn(l.there, prefix, args...)
}

func (l *lab) startDaemonOn(n *node, prefix []string, args ...string) (*daemon, error) {
	argv := append(append([]string{}, n.argv...), "-c", `echo "pid $$"; exec "$0" "$@"`)
	argv = append(append(append(argv, prefix...), l.rdmad), args...)
	d := &daemon{
		host: n, cmd: exec.CommandContext(context.Background(), argv[0], argv[1:]...),
		log: &output{}, done: make(chan struct{}),
	}
	d.cmd.Stdout, d.cmd.Stderr = d.log, d.log
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(d.done)
		d.err = d.cmd.Wait()
	}()
	if !eventually(startLimit, func() bool { return d.log.has(`"msg":"ready"`) || !d.alive() }) || !d.alive() {
		_ = d.cmd.Process.Kill()
		return nil, fmt.Errorf("rdmad did not get ready: %w\n%s", d.err, d.log.String())
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(d.log.String(), "pid "), "\n")
	pid, err := strconv.Atoi(first)
	d.pid = pid
	return d, err
}

// startMain starts the daemon that most tests share.
func (l *lab) startMain() (err error) {
	l.daemon, err = l.startDaemon(nil, "--insecure", "--listen", fmt.Sprintf("0.0.0.0:%d", port), "--metrics", mainMetrics,
		"--export", "data="+dataDir, "--export", "disk="+diskDir, "--export", "ro="+roDir+":ro", "--export", "small="+smallDir)
	return err
}

// alive reports whether the daemon runs.
func (d *daemon) alive() bool {
	if d == nil {
		return false
	}
	select {
	case <-d.done:
		return false
	default:
		return true
	}
}

// signal sends the daemon a signal, as "KILL".
func (d *daemon) signal(t *testing.T, name string) {
	t.Helper()
	must(t, d.host, "kill -%s %d", name, d.pid)
}

// wait waits for the daemon's end and returns its exit status.
func (d *daemon) wait() (int, error) {
	select {
	case <-d.done:
	case <-time.After(stopLimit):
		return 0, fmt.Errorf("rdmad has not ended within %v\n%s", stopLimit, d.log.String())
	}
	var exit *exec.ExitError
	if d.err != nil && !errors.As(d.err, &exit) {
		return 0, d.err
	}
	return d.cmd.ProcessState.ExitCode(), nil
}

// stop ends the daemon as a service manager does.
func (d *daemon) stop() (int, error) {
	if _, err := d.host.sh("kill -TERM %d", d.pid); err != nil {
		return 0, err
	}
	return d.wait()
}

// output is what a process writes, while it is written.
type output struct {
	mu  sync.Mutex
	all []byte
}

// Write keeps b.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, b...)
	return len(b), nil
}

// String returns all of it.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.all)
}

// size returns how much it is, for since.
func (o *output) size() int { return len(o.String()) }

// since returns what was written after size was asked for.
func (o *output) since(size int) string { return o.String()[size:] }

// has reports whether text was written.
func (o *output) has(text string) bool { return strings.Contains(o.String(), text) }
