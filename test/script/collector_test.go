package script

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// collector is an OpenTelemetry collector, by gRPC and by HTTP.
type collector struct {
	collectorpb.UnimplementedTraceServiceServer
	asked atomic.Int64 // connections

	mu    sync.Mutex
	spans []span
}

// span is a span as it has arrived.
type span struct {
	*tracepb.Span
	service string
	attrs   map[string]any
	texts   []string // whatever is a text in it
}

// counting counts who connects.
type counting struct {
	net.Listener
	n *atomic.Int64
}

// Accept waits for one.
func (c counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.n.Add(1)
	}
	return conn, err
}

// collect starts a collector, and has the environment send spans there.
func collect(t *testing.T, protocol string) *collector {
	t.Helper()
	c := &collector{}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	lis = counting{lis, &c.asked}
	if protocol == "grpc" {
		s := grpc.NewServer()
		collectorpb.RegisterTraceServiceServer(s, c)
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(lis) }()
		t.Cleanup(func() { s.Stop(); must(t, <-ended) })
	} else {
		s := httptest.NewUnstartedServer(http.HandlerFunc(c.serve))
		_ = s.Listener.Close() // ours is in its place
		s.Listener = lis
		s.Start()
		t.Cleanup(s.Close)
	}
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+lis.Addr().String())
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
	return c
}

func (c *collector) serve(w http.ResponseWriter, r *http.Request) {
	var m collectorpb.ExportTraceServiceRequest
	b, err := io.ReadAll(r.Body)
	if err == nil {
		err = proto.Unmarshal(b, &m)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, "no traces", http.StatusBadRequest)
		return
	}
	_, _ = c.Export(r.Context(), &m)
}

// Export takes spans.
func (c *collector) Export(_ context.Context, m *collectorpb.ExportTraceServiceRequest) (*collectorpb.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range m.GetResourceSpans() {
		resource := attrs(of.GetResource().GetAttributes())
		service, _ := resource["service.name"].(string)
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				got := span{Span: s, service: service, attrs: attrs(s.GetAttributes()), texts: []string{s.GetName(), s.GetStatus().GetMessage()}}
				for _, of := range []map[string]any{resource, got.attrs} {
					for _, v := range of {
						if text, ok := v.(string); ok {
							got.texts = append(got.texts, text)
						}
					}
				}
				for _, e := range s.GetEvents() {
					got.texts = append(got.texts, e.String())
				}
				c.spans = append(c.spans, got)
			}
		}
	}
	return &collectorpb.ExportTraceServiceResponse{}, nil
}

func attrs(list []*commonpb.KeyValue) map[string]any {
	all := map[string]any{}
	for _, kv := range list {
		switch v := kv.GetValue().GetValue().(type) {
		case *commonpb.AnyValue_StringValue:
			all[kv.GetKey()] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			all[kv.GetKey()] = v.IntValue
		case *commonpb.AnyValue_DoubleValue:
			all[kv.GetKey()] = v.DoubleValue
		case *commonpb.AnyValue_BoolValue:
			all[kv.GetKey()] = v.BoolValue
		}
	}
	return all
}

// taken is what has arrived, by the service and the span's name.
func (c *collector) taken() map[string][]span {
	c.mu.Lock()
	defer c.mu.Unlock()
	by := map[string][]span{}
	for _, s := range c.spans {
		by[s.service+" "+s.GetName()] = append(by[s.service+" "+s.GetName()], s)
	}
	return by
}
