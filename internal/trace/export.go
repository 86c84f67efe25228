package trace

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// exporter says in the log what becomes of spans, once for each time that it changes, and can
// be stopped while it waits for an answer.
type exporter struct {
	sdk.SpanExporter
	log     *slog.Logger
	failing atomic.Bool
	stop    chan struct{}
	giveUp  func() // closes stop
}

func newExporter(to sdk.SpanExporter, log *slog.Logger) *exporter {
	e := &exporter{SpanExporter: to, log: log, stop: make(chan struct{})}
	e.giveUp = sync.OnceFunc(func() { close(e.stop) })
	return e
}

// ExportSpans sends spans. It never fails: the SDK would tell somebody else.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-e.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	e.note(e.SpanExporter.ExportSpans(ctx, spans))
	return nil
}

// note says how sending goes.
func (e *exporter) note(err error) {
	switch failed := err != nil; {
	case e.failing.Swap(failed) == failed:
	case failed:
		e.log.Warn("traces cannot be sent", slog.Any("error", err))
	default:
		e.log.Info("traces can be sent again")
	}
}
