//go:build linux

package verbs

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// eventFD waits for a descriptor of libibverbs in Go's poller, so that a wait blocks no thread and can be canceled.
// It owns a duplicate: the library closes its own, and both share one open file description and so O_NONBLOCK.
type eventFD struct {
	file   *os.File
	raw    syscall.RawConn
	closed atomic.Bool
	// turn is held by the one goroutine that waits: the deadline, which is how a wait is canceled, is the file's.
	turn chan struct{}
}

func newEventFD(fd int, name string) (*eventFD, error) {
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("verbs: duplicating the descriptor of %s: %w", name, err)
	}
	// Before NewFile, which registers with the poller only what doesn't block.
	if err := unix.SetNonblock(dup, true); err != nil {
		_ = unix.Close(dup)

		return nil, fmt.Errorf("verbs: making %s non-blocking: %w", name, err)
	}
	e := &eventFD{file: os.NewFile(uintptr(dup), name), turn: make(chan struct{}, 1)}
	// The poller may have refused it silently. Then a wait would spin (golang/go#61205), and deadlines fail.
	if err := e.file.SetReadDeadline(time.Time{}); err != nil {
		_ = e.file.Close()

		return nil, fmt.Errorf("verbs: polling %s: %w", name, err)
	}
	e.raw, err = e.file.SyscallConn()
	if err != nil {
		_ = e.file.Close()

		return nil, fmt.Errorf("verbs: polling %s: %w", name, err)
	}

	return e, nil
}

// wait calls try now and whenever the descriptor may be readable, until it returns true. try must not block.
// After close has returned, try is not running and is not called again.
func (e *eventFD) wait(ctx context.Context, op string, try func() bool) error {
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return waitError(op, ctx.Err())
	}
	if err := ctx.Err(); err != nil {
		return waitError(op, err)
	}

	canceled := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(canceled)
		_ = e.file.SetReadDeadline(time.Unix(1, 0))
	})
	done := false
	err := e.raw.Read(func(uintptr) bool {
		done = try()

		return done
	})
	if !stop() {
		<-canceled
		_ = e.file.SetReadDeadline(time.Time{})
	}

	switch {
	case done:
		return nil // Also when canceled meanwhile: what try has read is not lost.
	case e.closed.Load():
		return closedError(op)
	case ctx.Err() != nil:
		return waitError(op, ctx.Err())
	default:
		return waitError(op, err)
	}
}

// close wakes the waiter, and waits until it has left try. It leaves the library's descriptor open.
func (e *eventFD) close() {
	if !e.closed.Swap(true) {
		_ = e.file.Close() // Of a descriptor that was only read and polled.
	}
}

func waitError(op string, err error) error { return fmt.Errorf("verbs: waiting in %s: %w", op, err) }
