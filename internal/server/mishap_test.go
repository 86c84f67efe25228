package server_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// slow makes transfers last long enough for something to happen meanwhile.
var slow = memory.Faults{Delay: 20 * time.Millisecond}

// Bytes that change on the way are moved again, and counted.
func TestCorruption(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{CorruptAt: 3})
	data := noise(20 * chunk)
	r, err := put(t.Context(), t, d.dial(t, transport.Put), data, to("x"), nil)
	must(t, err)
	holds(t, filepath.Join(d.dir, "x"), data)
	if r.Retried != 1 || r.Chunks != 20 {
		t.Errorf("put reports %+v", r)
	}
	d = start(t, memory.Faults{CorruptAt: 3})
	must(t, os.WriteFile(filepath.Join(d.dir, "x"), data, 0o600))
	local, r, err := get(t.Context(), t, d.dial(t, transport.Get), to("x"), nil)
	must(t, err)
	holds(t, local, data)
	if r.Retried != 1 || r.Chunks != 20 {
		t.Errorf("get reports %+v", r)
	}
}

// A network that changes every byte cannot be used, and no such file appears.
func TestCorruptionWithoutEnd(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{Corrupt: 1})
	_, err := put(t.Context(), t, d.dial(t, transport.Put), noise(20*chunk), to("x"), nil)
	failsWith(t, err, fault.Integrity)
	lists(t, d.dir, "sub")
}

// A connection that breaks in the middle ends the transfer at both ends.
func TestConnectionLost(t *testing.T) {
	t.Parallel()
	broken := memory.Faults{CutAt: 5, Retry: 50 * time.Millisecond}
	d := start(t, broken)
	begun := time.Now()
	_, err := put(t.Context(), t, d.dial(t, transport.Put), noise(20*chunk), to("x"), nil)
	failsWith(t, err, fault.Lost)
	lists(t, d.dir, "sub")

	d = start(t, broken)
	must(t, os.WriteFile(filepath.Join(d.dir, "x"), noise(20*chunk), 0o600))
	local, _, err := get(t.Context(), t, d.dial(t, transport.Get), to("x"), nil)
	failsWith(t, err, fault.Lost)
	lists(t, filepath.Dir(local))
	if took := time.Since(begun); took > soon {
		t.Errorf("it took %v", took)
	}
}

// A source that is written to while it is read is no file that ever was.
func TestSourceChanges(t *testing.T) {
	t.Parallel()
	d := start(t, slow)
	for name, change := range map[string]func(f *os.File) error{
		"longer":    func(f *os.File) error { _, err := f.WriteAt([]byte("x"), 30*chunk); return err },
		"shorter":   func(f *os.File) error { return f.Truncate(10 * chunk) },
		"rewritten": func(f *os.File) error { _, err := f.WriteAt([]byte("x"), 0); return err },
	} {
		old := noise(5)
		must(t, os.WriteFile(filepath.Join(d.dir, name), old, 0o600))
		path := sourceFile(t, noise(20*chunk))
		s := d.dial(t, transport.Put)
		var once sync.Once
		_, err := putTree(t.Context(), t, s, path, to(name), job(func(int64) {
			once.Do(func() {
				f, err := os.OpenFile(path, os.O_WRONLY, 0)
				if err == nil {
					err = change(f)
					_ = f.Close()
				}
				if err != nil {
					t.Error(err)
				}
			})
		}))
		failsWith(t, err, fault.SourceChanged)
		holds(t, filepath.Join(d.dir, name), old)
		_, err = put(t.Context(), t, s, noise(20*chunk), to("next"), nil)
		must(t, err)
	}
	lists(t, d.dir, "longer", "next", "rewritten", "shorter", "sub")
}

// The same, at the daemon.
func TestDaemonsSourceChanges(t *testing.T) {
	t.Parallel()
	d := start(t, slow)
	path := filepath.Join(d.dir, "x")
	must(t, os.WriteFile(path, noise(20*chunk), 0o600))
	var once sync.Once
	local, _, err := get(t.Context(), t, d.dial(t, transport.Get), to("x"), func(int64) {
		once.Do(func() { must(t, os.WriteFile(path, noise(21*chunk), 0o600)) })
	})
	if f := failsWith(t, err, fault.SourceChanged); f.Host != "there" {
		t.Errorf("host %q", f.Host)
	}
	lists(t, filepath.Dir(local))
}

// Of two copies to one destination, one has it.
func TestTwoClientsOneDestination(t *testing.T) {
	t.Parallel()
	d := start(t, slow)
	first, second := d.dial(t, transport.Put), d.dial(t, transport.Put)
	var once sync.Once
	data := noise(20 * chunk)
	_, err := put(t.Context(), t, first, data, to("x"), func(int64) {
		once.Do(func() {
			_, err := put(t.Context(), t, second, noise(7), to("x"), nil)
			if fault.CodeOf(err) != fault.Busy {
				t.Errorf("the second got %v", err)
			}
		})
	})
	must(t, err)
	holds(t, filepath.Join(d.dir, "x"), data)
	_, err = put(t.Context(), t, second, noise(7), to("x"), nil)
	must(t, err)
	holds(t, filepath.Join(d.dir, "x"), noise(7))
}

// When a cancelled put returns, nothing of it is left at the daemon, and the
// very same session carries the next: all its slots have come back.
func TestCancelPut(t *testing.T) {
	t.Parallel()
	d := start(t, slow)
	s := d.dial(t, transport.Put)
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := put(ctx, t, s, noise(40*chunk), to("x"), func(int64) { cancel() })
		failsWith(t, err, fault.Interrupted)
		lists(t, d.dir, "sub")
	}
	data := noise(20 * chunk)
	_, err := put(t.Context(), t, s, data, to("x"), nil)
	must(t, err)
	holds(t, filepath.Join(d.dir, "x"), data)
}

func TestCancelGet(t *testing.T) {
	t.Parallel()
	d := start(t, slow)
	data := noise(40 * chunk)
	must(t, os.WriteFile(filepath.Join(d.dir, "x"), data, 0o600))
	s := d.dial(t, transport.Get)
	ctx, cancel := context.WithCancel(t.Context())
	local, _, err := get(ctx, t, s, to("x"), func(int64) { cancel() })
	failsWith(t, err, fault.Interrupted)
	lists(t, filepath.Dir(local))
	// Memory was lent to be written: this session says that it is of no use any more.
	if _, _, err := get(t.Context(), t, s, to("x"), nil); err != nil {
		failsWith(t, err, fault.Interrupted)
	}
	local, _, err = get(t.Context(), t, d.dial(t, transport.Get), to("x"), nil)
	must(t, err)
	holds(t, local, data)
}

// A transfer that was cancelled before it began harms nothing.
func TestCancelledBefore(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	s := d.dial(t, transport.Put)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		_, err := put(ctx, t, s, noise(chunk), to("x"), nil)
		failsWith(t, err, fault.Interrupted)
	}
	_, err := put(t.Context(), t, s, noise(chunk), to("x"), nil)
	must(t, err)
	ctx, cancel = context.WithTimeout(t.Context(), 0)
	defer cancel()
	_, err = put(ctx, t, s, noise(chunk), to("y"), nil)
	failsWith(t, err, fault.Timeout)
	_, err = client.Dial(ctx, d.options(transport.Put))
	failsWith(t, err, fault.Timeout)
}

// full is a sink whose files take one chunk and no more.
type full struct{ tree.Sink }

func (f full) Open(e tree.Entry, v tree.Verdict) (tree.Landing, error) {
	l, err := f.Sink.Open(e, v)
	return &fullLanding{l, atomic.Int64{}}, err
}

func (f full) Commit(ctx context.Context, ls []tree.Landing) []error {
	for i, l := range ls {
		if full, ok := l.(*fullLanding); ok {
			ls[i] = full.Landing
		}
	}
	return f.Sink.Commit(ctx, ls)
}

type fullLanding struct {
	tree.Landing
	written atomic.Int64
}

func (l *fullLanding) WriteAt(p []byte, off int64) (int, error) {
	if l.written.Add(1) > 1 {
		return 0, fault.New(fault.NoSpace, "writing", errors.New("disk full"), "")
	}
	return l.Landing.WriteAt(p, off)
}

// Files that cannot be written here are told of, and the others arrive: neither
// the transfer nor the session ends.
func TestSinkFails(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{Delay: time.Millisecond})
	for i, n := range []int{1, 40 * chunk, chunk, 41 * chunk} {
		must(t, os.WriteFile(filepath.Join(d.dir, "sub", fmt.Sprint(i)), noise(n), 0o600))
	}
	s, local := d.dial(t, transport.Get), t.TempDir()
	j := job(nil)
	for range 2 {
		store, err := storage.Land(local, tree.Contents, false, j.Land)
		must(t, err)
		var w witness
		r, err := s.Get(t.Context(), []client.Target{to("sub/")}, full{store}, w.watch(j))
		must(t, err)
		must(t, store.Close())
		failsWith(t, w.why(nil), fault.NoSpace)
		if r.Problems != 2 {
			t.Errorf("reported %+v", r)
		}
		lists(t, local, "0", "2")
	}
	j.Naming = tree.Contents
	_, err := getTree(t.Context(), t, s, local, j, to("sub/"))
	must(t, err)
	holds(t, filepath.Join(local, "3"), noise(41*chunk))
}

func TestMaxSessions(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]func(c *server.Config){
		"all":        func(c *server.Config) { c.MaxSessions = 2 },
		"one client": func(c *server.Config) { c.MaxClient = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t, memory.Faults{}, limit)
			first, _ := d.dial(t, transport.Put), d.dial(t, transport.Get)
			for range 5 {
				_, err := client.Dial(t.Context(), d.options(transport.Put))
				failsWith(t, err, fault.Limit)
			}
			must(t, first.Close())
			d.serves(t)
		})
	}
}
