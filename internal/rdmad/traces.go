package rdmad

import (
	"context"
	"log/slog"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/trace"
)

// traces sends spans of what the daemon does, if the environment says where to; else it is nil.
// Patient is for one that goes on when a collector comes back.
func (a *app) traces(ctx context.Context, log *slog.Logger, patient bool) *trace.Tracer {
	t := trace.Open(ctx, trace.Config{Service: "rdmad", Version: console.Version(), Getenv: a.io.Getenv, Patient: patient, Logger: log})
	if t != nil {
		log.Info("traces are sent by OTLP")
	}
	return t
}
