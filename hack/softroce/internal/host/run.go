//go:build linux

package host

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Exit statuses of vm's own; those of the command pass through.
const (
	exitTimeout     = 124
	exitFailed      = 125
	exitInterrupted = 130
)

var (
	errTimeout     = errors.New("time limit")
	errInterrupted = errors.New("interrupted")
)

// Main is vm: it returns the exit status.
func Main(ctx context.Context, args []string) int {
	o, err := Parse(args, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return exitFailed
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ctx, stop := context.WithTimeoutCause(ctx, o.Timeout, errTimeout)
	defer stop()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	go func() {
		if <-signals == syscall.SIGQUIT { // how go test says that a test takes too long
			cancel(errTimeout)
		}
		cancel(errInterrupted)
	}()
	code, err := run(ctx, o)
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errInterrupted):
		fmt.Fprintln(os.Stderr, "vm: interrupted; the guests are gone")
		return exitInterrupted
	case errors.Is(cause, errTimeout):
		fmt.Fprintf(os.Stderr, "vm: not done in time (--timeout %s, or SIGQUIT): the guests were ended\n%v\n", o.Timeout, err)
		return exitTimeout
	case err != nil:
		fmt.Fprintln(os.Stderr, "vm:", err)
		return exitFailed
	}
	return code
}
