package trace

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	otrace "go.opentelemetry.io/otel/trace"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// Header is what one end tells the other its span by: W3C Trace Context. Its tracestate and
// baggage, in which anything may stand, are not among what the ends tell each other.
const Header = "traceparent"

// Parent is the span of ctx as Header has it; empty if there is none.
func Parent(ctx context.Context) string {
	c := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, c)
	return c[Header]
}

// Command begins the span of a command, below the one that its environment names
// (TRACEPARENT): a job's, say. Without a Tracer that one is handed on as it is.
func (t *Tracer) Command(ctx context.Context, name string, getenv func(string) string) (context.Context, End) {
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{Header: getenv("TRACEPARENT"), "tracestate": getenv("TRACESTATE")})
	if t == nil {
		return ctx, func(fault.Code) {}
	}
	return begin(ctx, t.tracer(), name, otrace.WithSpanKind(otrace.SpanKindClient))
}

// Serve begins the span of what is done for a peer, below the peer's own that is named by
// parent. A peer is believed in its ids only: that it wants to be traced makes nobody trace it
// whom the sampler of this end would not pick by itself, by an id that the peer has not chosen.
func (t *Tracer) Serve(ctx context.Context, name, parent string) (context.Context, End) {
	if t == nil {
		return ctx, func(fault.Code) {}
	}
	asked := propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{Header: parent})
	if otrace.SpanContextFromContext(asked).IsValid() {
		_, pick := t.tracer().Start(ctx, name) // never ended, and so never sent
		if !pick.IsRecording() {
			return ctx, func(fault.Code) {}
		}
		ctx = asked
	}
	return begin(ctx, t.tracer(), name, otrace.WithSpanKind(otrace.SpanKindServer))
}
