package trace

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestWanted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		env  string // variables without OTEL_
		want bool
		said string
	}{
		{env: ""},
		{env: "SERVICE_NAME=x TRACES_SAMPLER=always_on EXPORTER_OTLP_PROTOCOL=grpc"},
		{env: "EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", want: true},
		{env: "EXPORTER_OTLP_TRACES_ENDPOINT=http://127.0.0.1:1", want: true},
		{env: "EXPORTER_OTLP_METRICS_ENDPOINT=http://127.0.0.1:1"},
		{env: "TRACES_EXPORTER=otlp", want: true},
		{env: "TRACES_EXPORTER=console,otlp EXPORTER_OTLP_PROTOCOL=grpc", want: true},
		{env: "TRACES_EXPORTER=none EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"},
		{env: "TRACES_EXPORTER=zipkin EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", said: "OTEL_TRACES_EXPORTER is"},
		{env: "TRACES_EXPORTER=otlp SDK_DISABLED=True"},
		{env: "TRACES_EXPORTER=otlp SDK_DISABLED=1", want: true}, // only true counts, says OpenTelemetry
		{env: "TRACES_EXPORTER=otlp EXPORTER_OTLP_PROTOCOL=http/json", want: true},
		{env: "TRACES_EXPORTER=otlp EXPORTER_OTLP_PROTOCOL=udp", said: "OTEL_EXPORTER_OTLP_PROTOCOL is"},
		{env: "TRACES_EXPORTER=otlp EXPORTER_OTLP_PROTOCOL=udp EXPORTER_OTLP_TRACES_PROTOCOL=grpc", want: true},
	} {
		var log bytes.Buffer
		getenv := func(name string) string {
			for kv := range strings.FieldsSeq(tt.env) {
				if value, ok := strings.CutPrefix("OTEL_"+kv, name+"="); ok {
					return value
				}
			}
			return ""
		}
		tracer := Open(t.Context(), Config{Service: "test", Getenv: getenv, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		tracer.Close()
		if got := tracer != nil; got != tt.want || !strings.Contains(log.String(), tt.said) || tt.said == "" && log.Len() > 0 {
			t.Errorf("%q: %t, %s", tt.env, got, &log)
		}
	}
}
