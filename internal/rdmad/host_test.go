package rdmad

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/device"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// hostChecks are the checks that the log tells of, by their ids.
func hostChecks(t *testing.T, log string) map[string]map[string]string {
	t.Helper()
	found := map[string]map[string]string{}
	for line := range strings.Lines(log) {
		l := map[string]any{}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if l["msg"] != "host check" {
			continue
		}
		text := map[string]string{}
		for k, v := range l {
			text[k], _ = v.(string)
		}
		found[text["id"]] = text
	}
	return found
}

// What is wrong with the host is in the log, what is well is not, and nothing is looked at
// that the daemon does not need.
func TestLookAtHost(t *testing.T) {
	t.Parallel()
	down := func() ([]device.Rail, error) {
		return []device.Rail{{Device: "rxe0", Port: 1, State: "DOWN", LinkLayer: device.Ethernet, NetDev: "eth0", MTU: 9000, ActiveMTU: 4096}}, nil
	}
	for way, bad := range map[string]bool{"auto": true, "rdma": true, "tcp": false} {
		var log bytes.Buffer
		a := &app{rails: down}
		var last findings
		a.lookAtHost(ended(t), slog.New(slog.NewJSONHandler(&log, nil)), config{transport: way, slots: 1, chunkSize: 1 << 20}, nil, &last)()
		if end := last.worst()["ports"]; (end == "fail") != bad || len(last.told()) != len(last.all()) || len(last.told()) == 0 {
			t.Errorf("%s: clients hear %+v", way, last.told())
		}
		found := hostChecks(t, log.String())
		ports := found["ports"]
		if (ports != nil) != bad {
			t.Errorf("%s: a port that is down: %s", way, &log)
		}
		if bad && (ports["level"] != "WARN" || ports["status"] != "fail" || ports["observed"] != "rxe0/1 on eth0: port DOWN" ||
			!strings.HasPrefix(ports["expected"], "an active port") || !strings.Contains(ports["fix"], "ip link")) {
			t.Errorf("%s: it says %v", way, ports)
		}
		if found["devices"] != nil || strings.Contains(log.String(), "rdma device") {
			t.Errorf("%s: a device that is there, and serves nobody: %s", way, &log)
		}
	}
}

// A client that asks hears how things are now, and one that asks again at once does not have
// the host looked at for it.
func TestFindingsAreFresh(t *testing.T) {
	t.Parallel()
	looks := 0
	a := &app{rails: func() ([]device.Rail, error) {
		looks++
		return nil, fmt.Errorf("look %d", looks)
	}}
	ctx, cancel := context.WithCancel(t.Context())
	found := newFindings()
	wait := a.lookAtHost(ctx, slog.New(slog.DiscardHandler), config{transport: "rdma"}, nil, found)
	devices := func() string {
		for _, c := range found.told() {
			if c.ID == "devices" {
				return c.Observed
			}
		}
		return ""
	}
	first := devices()
	if again := devices(); !strings.Contains(first, "look 1") || again != first {
		t.Errorf("it hears %q, and then %q", first, again)
	}
	found.last.Store(&look{found.all(), time.Now().Add(-freshFor)})
	if later := devices(); !strings.Contains(later, "look 2") {
		t.Errorf("later it hears %q", later)
	}
	cancel()
	wait()
}

// ended is the context of a daemon that is at its end: it looks once.
func ended(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// Of the exports those are looked at that something can be copied to.
func TestHostDirs(t *testing.T) {
	t.Parallel()
	c := config{slots: 1, chunkSize: 1, exports: []server.Export{{Name: "in", Path: "/in"}, {Name: "out", Path: "/out", ReadOnly: true}}}
	if dirs := c.host(nil, nil).Dirs; !slices.Equal(dirs, []string{"/in"}) {
		t.Errorf("%q", dirs)
	}
	var log bytes.Buffer
	c.exports[0].Path = filepath.Join(t.TempDir(), "gone")
	var last findings
	(&app{}).lookAtHost(ended(t), slog.New(slog.NewJSONHandler(&log, nil)), config{transport: "tcp", exports: c.exports}, nil, &last)()
	if last.worst()["disk"] != "fail" || slices.ContainsFunc(last.told(), func(c wire.Check) bool { return c.ID == "disk" }) {
		t.Errorf("clients hear of a directory that may not be for them: %+v", last.told())
	}
	if found := hostChecks(t, log.String())["disk"]; found["status"] != "fail" || !strings.Contains(found["observed"], "/gone: no such file") {
		t.Errorf("%s", &log)
	}
}

// A driver that does not answer keeps the daemon neither from its clients nor from its end.
func TestLookAtHostThatHangs(t *testing.T) {
	t.Parallel()
	answer := make(chan struct{})
	looked := make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	log := &watched{until: "ready", call: stop}
	a := &app{
		io:     IO{Stderr: log, Env: []string{}},
		fabric: func(*slog.Logger) transport.Fabric { return memory.New(memory.Faults{}) },
		rails: func() ([]device.Rail, error) {
			defer close(looked)
			<-answer
			return nil, nil
		},
	}
	root := a.rootCommand(ctx)
	root.SetArgs([]string{"--listen", "127.0.0.1:0", "--export", "x=" + t.TempDir()})
	done := make(chan error, 1)
	go func() { done <- root.Execute() }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Errorf("the daemon waits for the driver:\n%s", log)
	}
	close(answer)
	<-looked
}

// watched is a log that calls when a line has a word in it.
type watched struct {
	until string
	call  func()
	mu    sync.Mutex
	buf   bytes.Buffer
}

func (w *watched) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(w.until)) {
		w.call()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.Write(b)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}
