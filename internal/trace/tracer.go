// Package trace tells a collector of OpenTelemetry spans what a copy took its time for, where
// the environment asks for it; elsewhere nothing is started, and nothing sent. There is a span
// for a command, a session, a transfer and their steps, never for a file or a chunk, and
// nothing in it names a file or a user.
package trace

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-logr/logr/funcr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	otrace "go.opentelemetry.io/otel/trace"
)

// scope is what OpenTelemetry calls the code that spans come from.
const scope = "github.com/rdmacp/rdmacp"

// flushLimit is how long Close takes at most to send what is left: nobody's copy is to wait
// for a collector.
const flushLimit = 1500 * time.Millisecond

// Config says whose spans they are.
type Config struct {
	Service string // unless OTEL_SERVICE_NAME says otherwise
	Version string
	Getenv  func(string) string // the environment; the SDK reads the process's own
	Patient bool                // what a collector does not take is kept for it, for a while
	Logger  *slog.Logger
}

// Tracer sends a program's spans. Nil is one that sends none.
type Tracer struct {
	provider *sdk.TracerProvider
	exporter *exporter
}

// Open makes a Tracer, if the environment asks for one. It connects to nobody: spans are sent
// when there are some, beside all else, and whatever fails then is logged only.
func Open(ctx context.Context, c Config) *Tracer {
	by, err := wanted(c.Getenv)
	if by == nil {
		if err != nil {
			c.Logger.Warn("no traces are sent", slog.Any("error", err))
		}
		return nil
	}
	// What the SDK has to say would go to stderr otherwise, as it comes. It knows one place for the whole process.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { c.Logger.Warn("traces", slog.Any("error", err)) }))
	otel.SetLogger(funcr.New(func(_, said string) { c.Logger.Warn("traces", slog.String("error", said)) }, funcr.Options{}))
	sender, err := by(ctx, c.Patient)
	if err != nil {
		c.Logger.Warn("no traces are sent", slog.Any("error", err))
		return nil
	}
	// What of it cannot be read is missing, and the SDK says so.
	who, _ := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", c.Service), attribute.String("service.version", c.Version)), resource.WithFromEnv())
	e := newExporter(sender, c.Logger)
	return &Tracer{sdk.NewTracerProvider(sdk.WithBatcher(e), sdk.WithResource(who)), e}
}

// Close sends what is left, within flushLimit, and gives up the rest.
func (t *Tracer) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushLimit)
	defer cancel()
	err := t.provider.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("the collector has not taken the last of them within %v", flushLimit)
	}
	if err != nil {
		t.exporter.note(err)
	}
	t.exporter.giveUp()
}

func (t *Tracer) tracer() otrace.Tracer { return t.provider.Tracer(scope) }
