package script

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/rdmacp"
	"github.com/rdmacp/rdmacp/internal/rdmad"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
)

// startLimit bounds the start of a daemon, stopLimit its end.
const (
	startLimit = 10 * time.Second
	stopLimit  = 10 * time.Second
)

// answerLimit is how long anything may take that a script does: whatever happens,
// there is an answer within it. With the race detector on a busy machine a copy
// takes its time too.
const answerLimit = 10 * time.Second

type worldKey struct{}

// world is what the commands of one script share.
type world struct {
	fabric transport.Fabric // of the next rdmacp
	there  transport.Fabric // of the next rdmad
	daemon *daemon          // nil: none runs
	exit   int              // of the last command
	stdin  []byte           // of the next rdmacp
	others []net.Listener
}

// daemon is a running rdmad.
type daemon struct {
	stop func()
	done chan struct{}
	exit int
	log  *logBuffer
}

// newFabric is the world's fabric as the daemon asks for it.
func (w *world) newFabric(*slog.Logger) transport.Fabric { return w.there }

// set gives the two hosts their fabrics.
func (w *world) set(here, there transport.Fabric) { w.fabric, w.there = here, there }

func newWorld() *world {
	w, both := &world{}, memory.New(memory.Faults{})
	w.set(both, both)
	return w
}

// of returns the script's world.
func of(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// close stops the daemon that a script left running.
func (w *world) close() {
	for _, lis := range w.others {
		_ = lis.Close()
	}
	if w.daemon != nil {
		w.daemon.stop()
		<-w.daemon.done
	}
}

// stdio gives a command the script's streams and environment.
func stdio(ts *testscript.TestScript, stdout, stderr io.Writer) console.IO {
	env := []string{"TERM=dumb"}
	for _, key := range []string{
		"RDMAD_LOG_LEVEL", "RDMAD_LOG_FORMAT", "RDMAD_LISTEN", "RDMAD_EXPORT", "RDMAD_CONFIG", "RDMAD_SLOTS", "HOME", "XDG_CONFIG_HOME",
		"XDG_CACHE_HOME", "RDMACP_CONFIG", "RDMACP_PORT", "RDMACP_TRANSPORT", "RDMACP_TRANSPROT", "RDMACP_SERVICE_HOST",
	} {
		if v := ts.Getenv(key); v != "" {
			env = append(env, key+"="+v)
		}
	}
	return console.IO{Stdin: bytes.NewReader(nil), Stdout: stdout, Stderr: stderr, Env: env}
}

// check fails the script if a command's success is not what it says.
func (w *world) check(ts *testscript.TestScript, neg bool, name string) {
	switch {
	case neg && w.exit == 0:
		ts.Fatalf("%s succeeded", name)
	case !neg && w.exit != 0:
		ts.Fatalf("%s: exit code %d", name, w.exit)
	}
}

// run runs rdmacp.
func (w *world) run(ctx context.Context, ts *testscript.TestScript, stdout io.Writer, args []string) {
	streams := stdio(ts, stdout, ts.Stderr())
	streams.Stdin = bytes.NewReader(w.stdin)
	w.stdin = nil
	w.runWith(ctx, ts, streams, args)
}

// runWith is run with all streams.
func (w *world) runWith(ctx context.Context, ts *testscript.TestScript, streams console.IO, args []string) {
	if slices.Contains(args, "--port") && !slices.Contains([]string{"bench", "doctor", "top"}, args[0]) {
		// Small slabs, and patience with a busy machine; what args say goes first.
		args = append([]string{"--chunk-size=64KiB", "--slots=4", "--connect-timeout=9s"}, args...)
	}
	begun := time.Now()
	w.exit = rdmacp.Main(ctx, args, streams, w.fabric)
	if d := time.Since(begun); d > answerLimit {
		ts.Fatalf("rdmacp took %v", d)
	}
}

// start starts a daemon and returns its address once it is ready.
func (w *world) start(ts *testscript.TestScript, args []string) (string, error) {
	return w.serve(stdio(ts, io.Discard, io.Discard), args)
}

// serve is start with all streams, but for stderr, which is the log.
func (w *world) serve(streams console.IO, args []string) (string, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	d := &daemon{
		stop: func() { cancel(fmt.Errorf("stopped by the script")) },
		done: make(chan struct{}), log: &logBuffer{ready: make(chan string, 1)},
	}
	streams.Stderr = d.log
	go func() {
		defer close(d.done)
		d.exit = rdmad.Main(ctx, args, streams, w.newFabric, nil)
	}()
	select {
	case addr := <-d.log.ready:
		w.daemon = d
		return addr, nil
	case <-d.done:
		return "", fmt.Errorf("rdmad ended with %d:\n%s", d.exit, d.log)
	case <-time.After(startLimit):
		d.stop()
		return "", fmt.Errorf("rdmad is not ready after %v:\n%s", startLimit, d.log)
	}
}

// logBuffer keeps a daemon's log and waits for the line that says it is ready.
type logBuffer struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	ready chan string
}

// Write keeps a line of the log.
func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := regexp.MustCompile(`"msg":"ready","address":"([^"]*)"`).FindSubmatch(b); m != nil {
		l.ready <- string(m[1])
	}
	return l.buf.Write(b)
}

// String returns the log so far.
func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
