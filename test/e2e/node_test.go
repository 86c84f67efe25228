//go:build linux

package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// The hosts' names.
const (
	here  = "node1" // runs the tests and rdmacp
	there = "node2" // runs rdmad
)

// scriptLimit bounds one script on a node.
const scriptLimit = 60 * time.Second

// endMark begins the line that a node's shell writes behind a script's output.
const endMark = "--e2e-end--"

// node is a host with a shell on it that stays open: starting a process takes an
// emulated guest a while.
type node struct {
	name string
	argv []string // starts the shell

	mu    sync.Mutex
	shell *exec.Cmd
	in    io.WriteCloser
	lines chan string
}

// sh runs a script of sh on the node and returns what it wrote to stdout and
// stderr.
func (n *node) sh(format string, args ...any) (string, error) {
	script := fmt.Sprintf(format, args...)
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.open(); err != nil {
		return "", fmt.Errorf("%s: start a shell: %w", n.name, err)
	}
	if _, err := fmt.Fprintf(n.in, "(\n%s\n) </dev/null 2>&1\nprintf '\\n%s %%d\\n' $?\n", script, endMark); err != nil {
		n.drop()
		return "", fmt.Errorf("%s: %s: %w", n.name, script, err)
	}
	out, status, err := n.collect()
	switch {
	case err != nil:
		n.drop()
		return out, fmt.Errorf("%s: %s: %w\n%s", n.name, script, err, out)
	case status != "0":
		return out, fmt.Errorf("%s: %s: exit status %s\n%s", n.name, script, status, out)
	}
	return out, nil
}

// open starts the shell, if there is none.
func (n *node) open() error {
	if n.shell != nil {
		return nil
	}
	shell := exec.CommandContext(context.Background(), n.argv[0], n.argv[1:]...)
	in, err := shell.StdinPipe()
	if err != nil {
		return err
	}
	out, err := shell.StdoutPipe()
	if err != nil {
		return err
	}
	if err := shell.Start(); err != nil {
		return err
	}
	lines := make(chan string, 64)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	n.shell, n.in, n.lines = shell, in, lines
	return nil
}

// collect returns a script's output and its exit status.
func (n *node) collect() (out, status string, err error) {
	var b strings.Builder
	limit := time.NewTimer(scriptLimit)
	defer limit.Stop()
	for {
		select {
		case line, ok := <-n.lines:
			if !ok {
				return b.String(), "", errors.New("the shell ended")
			}
			if status, ok := strings.CutPrefix(line, endMark+" "); ok {
				return strings.TrimSpace(b.String()), status, nil
			}
			b.WriteString(line + "\n")
		case <-limit.C:
			return b.String(), "", fmt.Errorf("no end within %v", scriptLimit)
		}
	}
}

// drop ends the shell.
func (n *node) drop() {
	if n.shell == nil {
		return
	}
	_ = n.in.Close()
	_ = n.shell.Process.Kill()
	go func(shell *exec.Cmd, lines chan string) {
		for ok := true; ok; _, ok = <-lines { // until its output ends
		}
		_ = shell.Wait()
	}(n.shell, n.lines)
	n.shell = nil
}
