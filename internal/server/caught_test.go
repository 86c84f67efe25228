package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// faulty is a fabric the next driver of which has a bug.
type faulty struct {
	transport.Fabric
	prepare atomic.Bool  // to make it panics
	connect atomic.Bool  // to connect it does
	moves   atomic.Int32 // to move that chunk, counted from 1, does
}

func (f *faulty) PrepareDriver(ctx context.Context, s transport.Setup) (transport.Pending[transport.Driver], error) {
	if f.prepare.Swap(false) {
		panic("no such device")
	}
	p, err := f.Fabric.PrepareDriver(ctx, s)
	return faultyPending{p, f}, err
}

type faultyPending struct {
	transport.Pending[transport.Driver]
	fabric *faulty
}

func (p faultyPending) Connect(ctx context.Context, peer transport.Endpoint) (transport.Driver, error) {
	if p.fabric.connect.Swap(false) {
		defer func() { _ = p.Close() }()
		panic("no such peer")
	}
	d, err := p.Pending.Connect(ctx, peer)
	if err != nil {
		return nil, err
	}
	f := &faultyDriver{Driver: d}
	f.left.Store(p.fabric.moves.Swap(0))
	return f, nil
}

type faultyDriver struct {
	transport.Driver
	left atomic.Int32 // chunks until it panics; zero or less: it does not
}

func (d *faultyDriver) move() {
	if d.left.Add(-1) == 0 {
		panic("no such chunk")
	}
}

func (d *faultyDriver) Pull(ctx context.Context, t transport.Ticket, dst io.WriterAt, ext transport.Extent) (transport.Digest, error) {
	d.move()
	return d.Driver.Pull(ctx, t, dst, ext)
}

func (d *faultyDriver) Push(ctx context.Context, src io.ReaderAt, ext transport.Extent, t transport.Ticket) (transport.Digest, error) {
	d.move()
	return d.Driver.Push(ctx, src, ext, t)
}

// shouts is a log that many write to.
type shouts struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *shouts) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *shouts) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// A panic in one session is the end of that one: its client hears of a bug, the log has the
// stack, once, the other session's copy goes on, and so does the daemon.
func TestPanic(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set   func(f *faulty)
		where string // in the stack
	}{
		"making a driver": {func(f *faulty) { f.prepare.Store(true) }, "PrepareDriver"},
		"connecting":      {func(f *faulty) { f.connect.Store(true) }, "faultyPending"},
		"the first chunk": {func(f *faulty) { f.moves.Store(1) }, "faultyDriver"},
		"a later chunk":   {func(f *faulty) { f.moves.Store(7) }, "faultyDriver"},
	} {
		for _, direction := range []transport.Direction{transport.Put, transport.Get} {
			t.Run(fmt.Sprint(name, " ", direction), func(t *testing.T) {
				t.Parallel()
				var log shouts
				f := &faulty{}
				d := start(t, slow, func(c *server.Config) {
					c.Logger = slog.New(slog.NewTextHandler(&log, nil))
					f.Fabric, c.Fabric = c.Fabric, f
				})
				data := noise(40 * chunk)
				other := d.dial(t, transport.Put)
				begun, copied := make(chan struct{}), make(chan error, 1)
				var first sync.Once
				go func() {
					_, err := put(t.Context(), t, other, data, to("other"), func(int64) { first.Do(func() { close(begun) }) })
					copied <- err
				}()
				<-begun
				tt.set(f)
				err := d.copies(t, direction)
				if got := failsWith(t, err, fault.Internal); !strings.Contains(got.Error(), "panic: ") || got.Fix == "" {
					t.Errorf("the client hears %+v", got)
				}
				if _, err := os.Lstat(filepath.Join(d.dir, "x")); err == nil {
					t.Error("there is a file that was not copied")
				}
				must(t, <-copied)
				holds(t, filepath.Join(d.dir, "other"), data)
				eventually(t, "the session is out of the books", func() bool { return len(d.Sessions()) == 1 })
				if all := log.String(); strings.Count(all, "a panic was caught") != 1 || !strings.Contains(all, tt.where) {
					t.Errorf("the log has %s", all)
				}
				d.serves(t)
			})
		}
	}
}

// copies copies a file in a session of its own.
func (d *daemon) copies(t *testing.T, direction transport.Direction) error {
	t.Helper()
	s, err := client.Dial(t.Context(), d.options(direction))
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // the daemon has ended it
	if direction == transport.Put {
		_, err = put(t.Context(), t, s, noise(20*chunk), to("x"), nil)
	} else {
		must(t, os.WriteFile(filepath.Join(d.dir, "source"), noise(20*chunk), 0o600))
		_, _, err = get(t.Context(), t, s, to("source"), nil)
	}
	return err
}
