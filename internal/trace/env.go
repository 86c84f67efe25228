package trace

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// open makes what spans are sent by.
type open func(ctx context.Context, patient bool) (sdk.SpanExporter, error)

// wanted says by what the environment wants spans to be sent; nil if it does not. As
// OpenTelemetry has it, what is not understood is as good as not there, but for a warning.
func wanted(getenv func(string) string) (open, error) {
	if strings.EqualFold(strings.TrimSpace(getenv("OTEL_SDK_DISABLED")), "true") { // Go's SDK does not look
		return nil, nil
	}
	names := strings.FieldsFunc(getenv("OTEL_TRACES_EXPORTER"), func(r rune) bool { return r == ',' || r == ' ' })
	switch {
	case len(names) == 0:
		if getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")+getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" {
			return nil, nil
		}
	case slices.Contains(names, "otlp"):
	case slices.Equal(names, []string{"none"}):
		return nil, nil
	default:
		return nil, fmt.Errorf("OTEL_TRACES_EXPORTER is %q; what there is here is otlp and none", strings.Join(names, ","))
	}
	protocol := cmp.Or(getenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), getenv("OTEL_EXPORTER_OTLP_PROTOCOL"), "http/protobuf")
	switch protocol {
	case "grpc":
		return byGRPC, nil
	case "http/protobuf", "http/json": // which of the two it is, it finds out for itself
		return byHTTP, nil
	}
	return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q; there are grpc, http/protobuf and http/json", protocol)
}

func byGRPC(ctx context.Context, patient bool) (sdk.SpanExporter, error) {
	var options []otlptracegrpc.Option
	if !patient {
		options = append(options, otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{}))
	}
	return opened(otlptracegrpc.New(ctx, options...))
}

func byHTTP(ctx context.Context, patient bool) (sdk.SpanExporter, error) {
	var options []otlptracehttp.Option
	if !patient {
		options = append(options, otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}))
	}
	return opened(otlptracehttp.New(ctx, options...))
}

// opened returns no exporter that is one of nothing.
func opened(e *otlptrace.Exporter, err error) (sdk.SpanExporter, error) {
	if err != nil {
		return nil, err
	}
	return e, nil
}
