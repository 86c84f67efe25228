//go:build linux

package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
)

// errLost is the end of a guest that nobody asked for.
var errLost = errors.New("the guest went away while the command ran")

// keep boots a node anew, with its disk, when the guest has cut its own power: it leaves a mark on the host and resets
// itself, and a reset ends QEMU. Without the mark it was a panic, which ends the run.
//
// What the guest has not written to the disk before is lost: its page cache is. What it has written is in the host's
// page cache, which the cache=unsafe of the disk is about, and outlives QEMU.
func (t *testbed) keep(ctx context.Context, n *node) {
	runtime.LockOSThread() // for good: QEMU dies with the thread that started it, see Pdeathsig
	for {
		b := n.current()
		<-b.exited
		if !b.cut {
			t.lose(b.explain(errLost)) // nothing, where it was the end of the run that ended it
			return
		}
		begun := time.Now()
		switch err := n.bootAgain(ctx); {
		case errors.Is(err, errOver):
			return
		case err != nil:
			t.lose(fmt.Errorf("%w: after a power cut: %w", errLost, err))
			return
		}
		if t.o.Verbose {
			fmt.Fprintf(os.Stderr, "vm: %s is up again %.1f s after a power cut\n", n.name, time.Since(begun).Seconds())
		}
	}
}

// bootAgain boots a node that is off. As at first, an emulated kernel that dies while booting has another try.
func (n *node) bootAgain(ctx context.Context) (err error) {
	for _, end := range n.ends {
		drained, err := drain(end)
		if err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
		defer func() { _ = drained.Close() }()
	}
	for range boots {
		if err = n.start(ctx); err == nil {
			err = n.awaitReady()
		}
		if !errors.Is(err, errDied) {
			return err
		}
		b := n.current()
		_ = b.qemu.Process.Kill() // where it is the guest that hangs
		<-b.exited
	}
	return err
}
