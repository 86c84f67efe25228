package rdmacp

import (
	"context"
	"log/slog"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/trace"
)

// traced does what a command does under a span, and then sends what there is to send: when
// people have read how it went.
func (a *app) traced(ctx context.Context, name string, do func(context.Context) error) error {
	t := trace.Open(ctx, trace.Config{
		Service: "rdmacp", Version: console.Version(), Getenv: a.io.Getenv, Logger: newLogger(a.messages, a.opts.verbose),
	})
	defer t.Close() //nolint:contextcheck // what ctx did not end is told all the same
	ctx, end := t.Command(ctx, name, a.io.Getenv)
	err := do(ctx)
	how := fault.OK
	if err != nil {
		how = a.asFault(ctx, err).Code
	}
	end(how)
	return err
}

// trace says of the command's span what was done.
func (o outcome) trace(ctx context.Context) {
	trace.Set(ctx, slog.String("direction", o.job.direction.String()), slog.Int64("lost_sessions", o.earlier.Lost), slog.Int64("lost_sessions_bytes", o.earlier.Bytes))
	if o.peer == (client.Peer{}) {
		return // nobody was reached, the last time
	}
	trace.Set(ctx, o.peer.Attrs()...)
	trace.Set(ctx, trace.Moved(o.result.Report)...)
	bound := o.bound()
	trace.Set(ctx, slog.Int("lost_rails", len(o.result.LostRails)), slog.String("bound_by", bound.stage), slog.String("bound_at", bound.where))
}
