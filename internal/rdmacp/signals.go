package rdmacp

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// UntilSignalled returns a context that the first signal ends that asks the process to. From
// then on signals act as if nobody listened to them: the second one ends the process. Not so
// SIGHUP, of which the end of a terminal may bring two; and who has it ignored, as nohup
// does, goes on.
func UntilSignalled(parent context.Context) context.Context {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(parent, signals...)
	context.AfterFunc(ctx, func() {
		signal.Ignore(syscall.SIGHUP)
		stop()
	})
	return ctx
}
