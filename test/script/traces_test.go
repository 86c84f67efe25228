package script

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/rdmacp"
)

// What a job has told its processes in TRACEPARENT.
const (
	jobTrace  = "0af7651916cd43dd8448eb211c80319c"
	jobSpan   = "b7ad6b7169203331"
	jobParent = "00-" + jobTrace + "-" + jobSpan + "-01"
)

// traced is a world with a daemon, in this process's own environment.
type traced struct {
	*world
	srv, here, port string
}

func newTraced(t *testing.T) *traced {
	t.Helper()
	w := &traced{world: newWorld(), srv: t.TempDir(), here: t.TempDir()}
	must(t, os.WriteFile(filepath.Join(w.here, "secretname"), make([]byte, 300<<10), 0o600))
	addr, err := w.serve(console.IO{Stdin: strings.NewReader(""), Stdout: &bytes.Buffer{}}, []string{"--listen=127.0.0.1:0", "--export=data=" + w.srv})
	must(t, err)
	_, w.port, _ = net.SplitHostPort(addr)
	t.Cleanup(w.close)
	return w
}

// copy runs rdmacp.
func (w *traced) copy(args ...string) (code int, stdout, stderr string) {
	var out, said bytes.Buffer
	args = append([]string{"--chunk-size=64KiB", "--slots=4", "--connect-timeout=9s", "--port=" + w.port}, args...)
	code = rdmacp.Main(context.Background(), args, console.IO{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &said}, w.fabric)
	return code, out.String(), said.String()
}

// end stops the daemon, which sends what it has not sent yet, and returns its log.
func (w *traced) end() string {
	w.daemon.stop()
	<-w.daemon.done
	return w.daemon.log.String()
}

// one is the only span of that service and name.
func one(t *testing.T, all map[string][]span, name string) span {
	t.Helper()
	if len(all[name]) != 1 {
		t.Fatalf("there are %d spans %q", len(all[name]), name)
	}
	return all[name][0]
}

// A copy and the daemon's part in it are one trace, below the job's that the copy is part of; it
// says what was done, by what, and how long that took, and nothing of names.
func TestTraces(t *testing.T) {
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		t.Run(strings.ReplaceAll(protocol, "/", " "), func(t *testing.T) {
			c := collect(t, protocol)
			t.Setenv("TRACEPARENT", jobParent)
			t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=lab")
			w := newTraced(t)
			w.fabric = none{} // so that there is a reason for TCP
			code, out, said := w.copy("--json", "-v", filepath.Join(w.here, "secretname"), "127.0.0.1::data/hiddenname")
			if code != 0 {
				t.Fatal(code, said)
			}
			var start line
			must(t, json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &start))
			log := w.end()
			all := c.taken()
			copied, transfer := one(t, all, "rdmacp copy"), one(t, all, "rdmacp transfer")
			served := one(t, all, "rdmad transfer")
			var session span
			for _, s := range all["rdmad session"] { // there is another, of who has found no device
				if s.attrs["rdmacp.session"] == start.Session {
					session = s
				}
			}
			if hex.EncodeToString(copied.GetParentSpanId()) != jobSpan {
				t.Errorf("the copy is below %x", copied.GetParentSpanId())
			}
			for child, parent := range map[*tracepb.Span]*tracepb.Span{
				transfer.Span: copied.Span, session.Span: copied.Span, served.Span: session.Span,
				one(t, all, "rdmacp move").Span: transfer.Span,
			} {
				if child == nil || !bytes.Equal(child.GetParentSpanId(), parent.GetSpanId()) {
					t.Errorf("%s is not below %s", child.GetName(), parent.GetName())
				}
			}
			for name, want := range map[string]any{
				"direction": "put", "transport": "tcp", "session": start.Session, "fallback": "no_device", "fallback_at": "client", "rails": int64(1),
				"bytes": int64(300 << 10), "files": int64(1), "chunks": int64(5), "retried": int64(0),
			} {
				for _, s := range []span{copied, transfer} {
					if got := s.attrs["rdmacp."+name]; got != want {
						t.Errorf("%s says %s is %v, want %v", s.GetName(), name, got, want)
					}
				}
			}
			if got := session.attrs; got["rdmacp.direction"] != "put" || got["rdmacp.transport"] != "tcp" || got["rdmacp.fell_back"] != true {
				t.Errorf("the session says %v", got)
			}
			if took, _ := served.attrs["rdmacp.sink_seconds"].(float64); took <= 0 || served.attrs["rdmacp.bytes"] != int64(300<<10) {
				t.Errorf("the daemon's transfer says %v", served.attrs)
			}
			w.checkTexts(t, c)
			if !strings.Contains(log, `"session":"`+start.Session) || !strings.Contains(log, `"trace_id":"`+jobTrace) {
				t.Error("the log does not name the trace: ", log)
			}
		})
	}
}

// checkTexts looks for names in whatever was sent, and whether all of it is of one trace.
func (w *traced) checkTexts(t *testing.T, c *collector) {
	t.Helper()
	for _, s := range c.spans {
		if got := hex.EncodeToString(s.GetTraceId()); got != jobTrace {
			t.Errorf("%s is of the trace %s", s.GetName(), got)
		}
		for _, text := range s.texts {
			for _, name := range []string{"secretname", "hiddenname", "/", "anonymous"} {
				if strings.Contains(text, name) {
					t.Errorf("%s has %q in it", s.GetName(), text)
				}
			}
		}
	}
}

// A copy that fails says by which kind of fault, and no more than that.
func TestTracesOfFaults(t *testing.T) {
	c := collect(t, "grpc")
	t.Setenv("TRACEPARENT", jobParent)
	w := newTraced(t)
	if code, _, said := w.copy("-q", filepath.Join(w.here, "secretname"), "127.0.0.1::hiddenname/x"); code == 0 {
		t.Fatal("there is such an export: ", said)
	}
	w.end()
	for _, name := range []string{"rdmacp copy", "rdmacp transfer", "rdmacp request", "rdmad transfer"} {
		s := one(t, c.taken(), name)
		if s.attrs["error.type"] != "not_export" || s.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR {
			t.Errorf("%s says %v, %v", name, s.attrs, s.GetStatus())
		}
	}
	w.checkTexts(t, c)
}

// A collector that is not there, or that takes connections and says nothing, is told of once, and
// keeps nobody.
func TestTracesToNobody(t *testing.T) {
	const most = 6 * time.Second // the exporter's own patience is of 10 s and more
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer func() { _ = lis.Close() }()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, gone.Close())
	for name, addr := range map[string]net.Addr{"says nothing": lis.Addr(), "is not there": gone.Addr()} {
		for _, protocol := range []string{"grpc", "http/protobuf"} {
			t.Run(name+" "+strings.ReplaceAll(protocol, "/", " "), func(t *testing.T) {
				t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+addr.String())
				t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
				w := newTraced(t)
				begun := time.Now()
				code, _, said := w.copy("-v", filepath.Join(w.here, "secretname"), "127.0.0.1::data/x")
				if took := time.Since(begun); code != 0 || took > most || strings.Count(said, "traces cannot be sent") != 1 {
					t.Errorf("it ended with %d after %v, and said %s", code, took, said)
				}
				begun = time.Now()
				log := w.end()
				if took := time.Since(begun); took > most || strings.Count(log, "traces cannot be sent") != 1 {
					t.Errorf("the daemon ended after %v, and logged %s", took, log)
				}
			})
		}
	}
}

// Where the environment does not want it nobody is connected to, and no log names a trace; a job's
// own is handed on all the same.
func TestNoTraces(t *testing.T) {
	c := collect(t, "grpc")
	t.Setenv("TRACEPARENT", jobParent)
	w := newTraced(t)
	t.Setenv("OTEL_SDK_DISABLED", "true")
	quiet := newTraced(t)
	copies := func(w *traced) {
		if code, _, said := w.copy("-vv", filepath.Join(w.here, "secretname"), "127.0.0.1::data/x"); code != 0 || strings.Contains(said, "trace") {
			t.Error(code, said)
		}
	}
	copies(quiet)
	if log := quiet.end(); strings.Contains(log, "trace") || c.asked.Load() != 0 {
		t.Errorf("there were %d connections, and the log is %s", c.asked.Load(), log)
	}
	copies(w)
	w.end()
	if s := one(t, c.taken(), "rdmad session"); len(c.taken()["rdmacp copy"]) > 0 || hex.EncodeToString(s.GetParentSpanId()) != jobSpan {
		t.Errorf("the session is below %x, and rdmacp sent %d", s.GetParentSpanId(), len(c.taken()["rdmacp copy"]))
	}
	w.checkTexts(t, c)
}
