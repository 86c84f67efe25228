//go:build linux

package e2e

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// bootLimit is how long node2 may take to boot after its power was cut.
const bootLimit = 2 * time.Minute

// cutPower cuts node2's power, at once, and waits until it has booted. Whatever ran there
// is gone, and so is all that was not on stable storage of its disk.
func (l *lab) cutPower(t *testing.T) {
	t.Helper()
	n := l.there
	if err := n.cutPower(); err != nil {
		t.Fatal(err)
	}
	if l.daemon.alive() {
		_ = l.daemon.cmd.Process.Kill() // "on", which may wait for its end for long
		<-l.daemon.done
	}
	delete(l.big, n)
	if err := l.furnish(n); err != nil {
		t.Fatal(err)
	}
}

// cutPower writes to the shell that is open: a process would take its time to start.
func (n *node) cutPower() error {
	before, err := n.sh("cat %s", bootID)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	defer n.drop()
	if _, err := fmt.Fprintln(n.in, ". power-cut"); err != nil {
		return fmt.Errorf("%s: cut the power: %w", n.name, err)
	}
	var says string
	if !eventually(bootLimit, func() bool {
		says = n.ask("cat", bootID)
		return len(says) == len(before) && says != before
	}) {
		return fmt.Errorf("%s has not booted within %v of a power cut: %s", n.name, bootLimit, says)
	}
	return nil
}

// bootID is another one after each boot.
const bootID = "/proc/sys/kernel/random/boot_id"

// ask returns what a command on the node says, or what is in the way.
func (n *node) ask(command ...string) string {
	ctx, stop := context.WithTimeout(context.Background(), 3*time.Second)
	defer stop()
	out, err := exec.CommandContext(ctx, "on", append([]string{n.name}, command...)...).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}
