package client_test

import (
	"cmp"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/tree"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

const (
	chunk = wire.MinChunk
	slots = 4

	// soon is how long anything may take to fail.
	soon = 10 * time.Second
)

type serverStream = grpc.BidiStreamingServer[pb.SessionRequest, pb.SessionResponse]

// fake is a daemon that does what a test wants.
type fake struct {
	pb.UnimplementedTransferServiceServer
	session func(stream serverStream) error
}

func (f *fake) Session(stream serverStream) error { return f.session(stream) }

// listen returns a listener on this host that ends with the test.
func listen(t *testing.T) net.Listener {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = lis.Close() })
	return lis
}

// serve serves what register registers.
func serve(t *testing.T, register func(g *grpc.Server)) string {
	t.Helper()
	g, lis := grpc.NewServer(grpc.WaitForHandlers(true)), listen(t)
	register(g)
	served := make(chan error, 1)
	go func() { served <- g.Serve(lis) }()
	t.Cleanup(func() { g.Stop(); must(t, <-served) })
	return lis.Addr().String()
}

func options(addr string, fabric *memory.Fabric, d transport.Direction) client.Options {
	return client.Options{
		Address: addr, Host: "there", Fabric: fabric, Direction: d,
		ChunkSize: chunk, Slots: slots, QPs: 1, ConnectTimeout: soon, Version: "v-client",
	}
}

// fakeDaemon serves a fake whose hello is all right (but for change), and then
// acts. Its session ends when act returns, or with the test.
func fakeDaemon(t *testing.T, d transport.Direction, change func(w *pb.Welcome), act func(stream serverStream) error) client.Options {
	t.Helper()
	fabric := memory.New(memory.Faults{})
	session := func(stream serverStream) error {
		m, err := stream.Recv()
		if err != nil {
			return err
		}
		h, err := wire.ToHello(m.GetHello(), "fake")
		if err != nil {
			return err
		}
		pending, err := fabric.PrepareDriver(stream.Context(), transport.Setup{ChunkSize: chunk, Slots: slots, QPs: 1, Direction: h.Direction})
		if err != nil {
			return err
		}
		w := wire.FromWelcome(wire.Welcome{Version: "fake", Endpoint: pending.Endpoint(), ChunkSize: h.ChunkSize, Session: "S"})
		driver, err := pending.Connect(stream.Context(), h.Endpoint)
		if err != nil {
			return err
		}
		defer func() { _ = driver.Close() }()
		if change != nil {
			change(w)
		}
		if err := stream.Send(&pb.SessionResponse{Message: &pb.SessionResponse_Welcome{Welcome: w}}); err != nil {
			return err
		}
		return act(stream)
	}
	return options(serve(t, func(g *grpc.Server) { pb.RegisterTransferServiceServer(g, &fake{session: session}) }), fabric, d)
}

// until reads to the first message that want knows.
func until(stream serverStream, want func(m *pb.SessionRequest) bool) error {
	for {
		m, err := stream.Recv()
		if err != nil || want(m) {
			return err
		}
	}
}

// linger stays until the client goes, and sends heartbeats.
func linger(stream serverStream) error {
	gone := make(chan error, 1)
	go func() { gone <- until(stream, func(*pb.SessionRequest) bool { return false }) }()
	for {
		select {
		case err := <-gone:
			return err
		case <-time.After(time.Second):
			_ = stream.Send(&pb.SessionResponse{Message: &pb.SessionResponse_Heartbeat{Heartbeat: &pb.Heartbeat{}}})
		}
	}
}

// dial opens a session, which ends with the test.
func dial(t *testing.T, o client.Options) *client.Session {
	t.Helper()
	s, err := client.Dial(t.Context(), o)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// put copies a file of n chunks. Its error is what ended the transfer, or what was
// wrong with the file.
func put(ctx context.Context, t *testing.T, s *client.Session, n int) error {
	t.Helper()
	name := filepath.Join(t.TempDir(), "source")
	must(t, os.WriteFile(name, make([]byte, n*chunk), 0o600))
	src := storage.NewWalker([]storage.Start{{Path: name}}, tree.WalkOptions{})
	defer func() { must(t, src.Close()) }()
	w := &witness{}
	_, err := s.Put(ctx, src, client.Target{Export: "e", Path: "x"}, w.watch(client.Job{Naming: tree.Auto}))
	return w.why(err)
}

// get copies to a directory beside which, and in which, nothing may be left.
func get(t *testing.T, s *client.Session) error {
	t.Helper()
	outer := t.TempDir()
	dir := filepath.Join(outer, "dir")
	must(t, os.Mkdir(dir, 0o700))
	dst, err := storage.Land(dir, tree.Into, true, tree.LandOptions{})
	must(t, err)
	defer func() { must(t, dst.Close()) }()
	w := &witness{}
	_, err = s.Get(t.Context(), []client.Target{{Export: "e", Path: "x*"}}, dst, w.watch(client.Job{}))
	err = w.why(err)
	left, readErr := os.ReadDir(outer)
	must(t, readErr)
	inside, readErr := os.ReadDir(dir)
	must(t, readErr)
	for _, e := range inside {
		if !strings.HasPrefix(e.Name(), ".") { // what is kept for the next run has a dot
			left = append(left, e)
		}
	}
	if err != nil && len(left) != 1 {
		t.Errorf("the failed get leaves %v", left)
	}
	return err
}

// witness keeps the first problem that an engine tells of.
type witness struct {
	mu    sync.Mutex
	first error
}

func (w *witness) watch(j client.Job) client.Job {
	j.Engine.Events.Problem = func(p tree.Problem) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.first = cmp.Or(w.first, p.Fault)
	}
	return j
}

func (w *witness) why(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return cmp.Or(err, w.first)
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

// within fails if f takes longer than d.
func within(t *testing.T, d time.Duration, f func()) {
	t.Helper()
	begun := time.Now()
	f()
	if took := time.Since(begun); took > d {
		t.Errorf("it took %v, more than %v", took, d)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
