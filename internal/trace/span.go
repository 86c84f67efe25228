package trace

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	otrace "go.opentelemetry.io/otel/trace"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// End ends a span by how that has ended which it is about.
type End func(fault.Code)

// Begin begins a span below that of ctx. Where there is none, this is none either.
func Begin(ctx context.Context, name string) (context.Context, End) {
	return begin(ctx, otrace.SpanFromContext(ctx).TracerProvider().Tracer(scope), name)
}

func begin(ctx context.Context, t otrace.Tracer, name string, options ...otrace.SpanStartOption) (context.Context, End) {
	ctx, span := t.Start(ctx, name, options...)
	return ctx, func(how fault.Code) {
		if how != fault.OK {
			span.SetStatus(codes.Error, "") // what the fault says may name a file
			span.SetAttributes(attribute.String("error.type", how.String()))
		}
		span.End()
	}
}

// Step does f under a span.
func Step[T any](ctx context.Context, name string, f func() (T, error)) (T, error) {
	_, end := Begin(ctx, name)
	done, err := f()
	end(fault.CodeOf(err))
	return done, err
}

// Set says something of the span of ctx; an empty text says nothing.
func Set(ctx context.Context, attrs ...slog.Attr) {
	span := otrace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	for _, a := range attrs {
		key := "rdmacp." + a.Key
		switch v := a.Value; v.Kind() { //nolint:exhaustive // the others as text
		case slog.KindInt64:
			span.SetAttributes(attribute.Int64(key, v.Int64()))
		case slog.KindFloat64:
			span.SetAttributes(attribute.Float64(key, v.Float64()))
		case slog.KindBool:
			span.SetAttributes(attribute.Bool(key, v.Bool()))
		default:
			if s := v.String(); s != "" {
				span.SetAttributes(attribute.String(key, s))
			}
		}
	}
}

// Log returns log with the name of the trace that ctx is part of, if that is one that is sent.
func Log(ctx context.Context, log *slog.Logger) *slog.Logger {
	span := otrace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return log
	}
	return log.With(slog.String("trace_id", span.SpanContext().TraceID().String()))
}
