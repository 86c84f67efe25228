package trace

import (
	"context"
	"log/slog"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// A peer cannot have itself traced where it would not be: neither by the flag that says that it
// is, nor by an id that is within every share. That it is not traced itself it can say.
func TestServe(t *testing.T) {
	t.Parallel()
	const ids = "00-00000000000000000000000000000001-0000000000000002" // the least of all shares
	for name, tt := range map[string]struct {
		sampler sdk.Sampler
		parent  string
		sent    bool
		below   bool
	}{
		"nobody asks":                    {sdk.ParentBased(sdk.AlwaysSample()), "", true, false},
		"it is traced":                   {sdk.ParentBased(sdk.AlwaysSample()), ids + "-01", true, true},
		"it is not traced":               {sdk.ParentBased(sdk.AlwaysSample()), ids + "-00", false, false},
		"it is not, and all are":         {sdk.AlwaysSample(), ids + "-00", true, true},
		"it wants what nobody gets":      {sdk.ParentBased(sdk.NeverSample()), ids + "-01", false, false},
		"it wants what no share is of":   {sdk.ParentBased(sdk.TraceIDRatioBased(1e-18)), ids + "-01", false, false},
		"its id is in the least share":   {sdk.TraceIDRatioBased(1e-18), ids + "-01", false, false},
		"garbage":                        {sdk.ParentBased(sdk.AlwaysSample()), "00-xyz", true, false},
		"no ids":                         {sdk.ParentBased(sdk.AlwaysSample()), "00-00000000000000000000000000000000-0000000000000000-01", true, false},
		"more than ids":                  {sdk.ParentBased(sdk.AlwaysSample()), ids + "-01-more", true, false},
		"what another version has to it": {sdk.ParentBased(sdk.AlwaysSample()), "cc" + ids[2:] + "-01-what-ever", true, true},
	} {
		memory := tracetest.NewInMemoryExporter()
		tracer := &Tracer{
			sdk.NewTracerProvider(sdk.WithSyncer(memory), sdk.WithSampler(tt.sampler)), newExporter(memory, slog.New(slog.DiscardHandler)),
		}
		ctx, end := tracer.Serve(context.Background(), "session", tt.parent)
		_, below := Begin(ctx, "transfer")
		below(fault.OK)
		end(fault.Lost)
		spans := memory.GetSpans()
		if sent := len(spans) == 2; sent != tt.sent || len(spans) > 2 {
			t.Errorf("%s: %d spans", name, len(spans))
			continue
		}
		if tt.sent && (spans[1].Parent.IsValid() != tt.below || spans[0].Parent.SpanID() != spans[1].SpanContext.SpanID()) {
			t.Errorf("%s: the session is below %v, and what it does below %v", name, spans[1].Parent, spans[0].Parent)
		}
		tracer.Close()
	}
}

// What stands in tracestate goes to nobody.
func TestParent(t *testing.T) {
	t.Parallel()
	const asked = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	var none *Tracer
	env := map[string]string{"TRACEPARENT": asked, "TRACESTATE": "a=b", "BAGGAGE": "c=d"}
	ctx, end := none.Command(t.Context(), "copy", func(name string) string { return env[name] })
	defer end(fault.OK)
	if got := Parent(ctx); got != asked {
		t.Errorf("it is handed on as %q", got)
	}
	if got := Parent(t.Context()); got != "" {
		t.Errorf("nobody's is %q", got)
	}
}
