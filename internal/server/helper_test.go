package server_test

import (
	"bytes"
	"cmp"
	"context"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/tree"
	"github.com/rdmacp/rdmacp/internal/wire"
)

const (
	chunk = wire.MinChunk
	slots = 4

	// soon is how long anything may take to fail.
	soon = 10 * time.Second
)

// daemon is a server of this process, and the fabric between it and its clients.
type daemon struct {
	*server.Server
	fabric *memory.Fabric
	addr   string
	outer  string // a directory that is not exported, with dir and ro in it
	dir    string // export "data"
	ro     string // export "ro", read-only
}

// start starts a daemon whose fabric has the faults f.
func start(t *testing.T, f memory.Faults, options ...func(*server.Config)) *daemon {
	t.Helper()
	return startOn(t, func(l net.Listener) net.Listener { return l }, f, options...)
}

// startOn is start for a daemon that listens in another way.
func startOn(t *testing.T, on func(net.Listener) net.Listener, f memory.Faults, options ...func(*server.Config)) *daemon {
	t.Helper()
	outer := t.TempDir()
	d := &daemon{fabric: memory.New(f), outer: outer, dir: filepath.Join(outer, "data"), ro: filepath.Join(outer, "ro")}
	for _, dir := range []string{d.dir, d.ro, filepath.Join(d.dir, "sub")} {
		must(t, os.Mkdir(dir, 0o700))
	}
	must(t, os.WriteFile(filepath.Join(outer, "secret"), []byte("secret"), 0o600))
	c := server.Config{
		Exports: []server.Export{{Name: "data", Path: d.dir}, {Name: "ro", Path: d.ro, ReadOnly: true}},
		Fabric:  d.fabric, Version: "v-daemon", ChunkSize: chunk, Slots: slots, MaxSessions: 8,
	}
	for _, o := range options {
		o(&c)
	}
	s, err := server.New(c)
	must(t, err)
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	d.Server, d.addr = s, lis.Addr().String()
	served := make(chan error, 1)
	go func() { served <- s.Serve(on(lis)) }()
	t.Cleanup(func() {
		must(t, s.Close())
		must(t, <-served)
	})
	return d
}

// options are what a client dials the daemon with.
func (d *daemon) options(direction transport.Direction) client.Options {
	return client.Options{
		Address: d.addr, Host: "there", Fabric: d.fabric, Direction: direction,
		ChunkSize: 4 * chunk, Slots: slots, QPs: 2, ConnectTimeout: soon, Version: "v-client",
	}
}

// dial opens a session, which ends with the test.
func (d *daemon) dial(t *testing.T, direction transport.Direction) *client.Session {
	t.Helper()
	s, err := client.Dial(t.Context(), d.options(direction))
	must(t, err)
	t.Cleanup(func() { _ = s.Close() }) // the transport may have been broken on purpose
	return s
}

// to is a target in the daemon's writable export.
func to(path string) client.Target { return client.Target{Export: "data", Path: path} }

// job copies files with their modes and times; progress may be nil.
func job(progress func(int64)) client.Job {
	return client.Job{
		Engine: transfer.Options{Events: transfer.Events{Moved: progress}},
		Naming: tree.Auto, Walk: tree.WalkOptions{Recursive: true, Links: true},
		Land: tree.LandOptions{Perms: true, Times: true, MaxDelete: -1},
	}
}

// witness keeps the first problem that an engine tells of.
type witness struct {
	mu    sync.Mutex
	first error
}

// watch adds the witness to a job.
func (w *witness) watch(j client.Job) client.Job {
	j.Engine.Events.Problem = func(p tree.Problem) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.first == nil {
			w.first = p.Fault
		}
	}
	return j
}

// why is what ended a transfer, or else what was wrong with one of its files.
func (w *witness) why(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return cmp.Or(err, w.first)
}

// put copies a file that is called base to a target.
func put(ctx context.Context, t *testing.T, s *client.Session, data []byte, target client.Target, progress func(int64)) (client.Result, error) {
	t.Helper()
	return putTree(ctx, t, s, sourceFile(t, data), target, job(progress))
}

// putTree copies what is at a path of this host to a target.
func putTree(ctx context.Context, t *testing.T, s *client.Session, path string, target client.Target, j client.Job) (client.Result, error) {
	t.Helper()
	src := storage.NewWalker([]storage.Start{{Path: path}}, j.Walk)
	defer func() { must(t, src.Close()) }()
	var w witness
	r, err := s.Put(ctx, src, target, w.watch(j))
	return r, w.why(err)
}

// get copies a target to a new file, whose path it returns.
func get(ctx context.Context, t *testing.T, s *client.Session, target client.Target, progress func(int64)) (string, client.Result, error) {
	t.Helper()
	local := filepath.Join(t.TempDir(), "got")
	r, err := getTree(ctx, t, s, local, job(progress), target)
	return local, r, err
}

// getTree copies targets to a path of this host.
func getTree(ctx context.Context, t *testing.T, s *client.Session, path string, j client.Job, from ...client.Target) (client.Result, error) {
	t.Helper()
	dst, err := storage.Land(path, j.Naming, len(from) > 1, j.Land)
	must(t, err)
	defer func() { must(t, dst.Close()) }()
	var w witness
	r, err := s.Get(ctx, from, dst, w.watch(j))
	return r, w.why(err)
}

// sourceFile makes a file.
func sourceFile(t *testing.T, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "base")
	must(t, os.WriteFile(name, data, 0o640))
	must(t, os.Chtimes(name, time.Time{}, stamp))
	return name
}

// stamp is when the sources were made.
var stamp = time.Date(2001, 2, 3, 4, 5, 6, 789, time.UTC)

// noise is n bytes that look like no others.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

// holds checks what is in a file.
func holds(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s holds %d bytes, not the %d that it should: %v", path, len(got), len(want), err)
	}
}

// lists checks the names in a directory. What a copy keeps there for the next run
// begins with a dot.
func lists(t *testing.T, dir string, want ...string) {
	t.Helper()
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("%s holds %q, want %q", dir, got, want)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var got []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			got = append(got, e.Name())
		}
	}
	return got
}

// untouched checks that nothing was written outside of the exports.
func (d *daemon) untouched(t *testing.T) {
	t.Helper()
	lists(t, d.outer, "data", "ro", "secret")
	lists(t, d.ro)
	holds(t, filepath.Join(d.outer, "secret"), []byte("secret"))
}

// serves checks that the daemon serves a clean transfer.
func (d *daemon) serves(t *testing.T) {
	t.Helper()
	data := noise(3*chunk + 1)
	if _, err := put(t.Context(), t, d.dial(t, transport.Put), data, to("clean"), nil); err != nil {
		t.Errorf("the daemon does not serve a clean transfer afterwards: %v", err)
		return
	}
	holds(t, filepath.Join(d.dir, "clean"), data)
	must(t, os.Remove(filepath.Join(d.dir, "clean")))
}

// failsWith checks a fault's code.
func failsWith(t *testing.T, err error, want fault.Code) fault.Error {
	t.Helper()
	f, ok := fault.As(err)
	if !ok || f.Code != want {
		t.Fatalf("got code %v, want %v: %v", fault.CodeOf(err), want, err)
	}
	return *f
}

// eventually waits for something that another goroutine is about to bring about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(soon); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v still not: %s", soon, what)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
