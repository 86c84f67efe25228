package rdma

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"

	"github.com/rdmacp/rdmacp/internal/mr"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// mapper stands in for the kernel: it notes what is mapped.
type mapper struct {
	mu   sync.Mutex
	made []string
	err  error
	fail []error // of the next calls

	registered  []string
	registerErr error
}

func (m *mapper) mapFile(_ syscall.RawConn, off int64, n int) (*mr.Pages, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.made = append(m.made, fmt.Sprintf("%d+%d", off, n))
	if len(m.fail) > 0 {
		m.err, m.fail = m.fail[0], m.fail[1:]
	}
	return &mr.Pages{}, m.err
}

func (m *mapper) register(_ *mr.Pages, off int64, n int) (*mr.Window, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.registered = append(m.registered, fmt.Sprintf("%d+%d", off, n))
	return &mr.Window{}, m.registerErr
}

// disk is a file as far as windows look at it.
type disk struct{ name string }

func (*disk) SyscallConn() (syscall.RawConn, error) { return nil, nil } //nolint:nilnil // nobody calls it

func newTestWindows(t *testing.T) (*windows, *mapper) {
	t.Helper()
	m := &mapper{}
	ws := &windows{
		mapFile: m.mapFile, register: m.register, size: 8 << 20, counters: &counters{},
		open: map[windowKey]*window{}, parts: map[*mr.Window]struct{}{}, refused: map[uint64]error{},
	}
	t.Cleanup(func() {
		if err := ws.close(); err != nil {
			t.Error(err)
		}
		if len(ws.open) > 0 {
			t.Errorf("%d windows are open", len(ws.open))
		}
	})
	return ws, m
}

func (m *mapper) want(t *testing.T, want ...string) {
	t.Helper()
	if got := fmt.Sprint(m.made); got != fmt.Sprint(want) {
		t.Errorf("mapped %v, want %v", got, want)
	}
}

// Chunks that follow one another share windows, of which one is kept when nobody
// uses it.
func TestWindows(t *testing.T) {
	t.Parallel()
	ws, m := newTestWindows(t)
	f := &disk{"f"}
	for off := int64(0); off < 20<<20; off += 1 << 20 {
		w, err := ws.take(transport.Place{File: f, Off: off, Since: 0, Until: 19<<20 + 5}, min(1<<20, int(19<<20+5-off)))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.release(); err != nil {
			t.Fatal(err)
		}
		ws.ahead.Wait()
		if len(ws.open) > 2 { // this one, and the one that is mapped ahead
			t.Fatalf("%d windows at %d", len(ws.open), off)
		}
	}
	m.want(t, "0+8388608", "8388608+8388608", "16777216+3145733")
}

func TestWindowsInUse(t *testing.T) {
	t.Parallel()
	ws, m := newTestWindows(t)
	f, g := &disk{"f"}, &disk{"g"}
	var all []use
	for _, p := range []transport.Place{
		{File: f, Off: 0, Until: 100},
		{File: f, Off: 50, Until: 100},
		{File: g, Off: 0, Until: 100},
		{File: f, Off: 9 << 20, Since: 8<<20 + 7, Until: 10 << 20},
	} {
		w, err := ws.take(p, 50)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	m.want(t, "0+100", "0+100", "8388615+2097145")
	for _, w := range all {
		if err := w.release(); err != nil {
			t.Fatal(err)
		}
	}
	if len(ws.open) != 1 || ws.idle != all[3].window {
		t.Errorf("%d windows are kept", len(ws.open))
	}
}

func TestWindowsRefused(t *testing.T) {
	t.Parallel()
	ws, m := newTestWindows(t)
	p := transport.Place{File: &disk{"f"}, Volume: 1, Until: 100}
	for _, crossing := range []transport.Place{{File: p.File, Off: 51, Until: 100}, {File: p.File, Off: 0, Since: 1, Until: 100}, {File: p.File, Off: 8<<20 - 1, Until: 9 << 20}} {
		if _, err := ws.take(crossing, 50); !errors.Is(err, errNoWindow) {
			t.Error(err)
		}
	}
	m.err = mr.ErrGone // this file's own trouble
	if _, err := ws.take(p, 50); !errors.Is(err, mr.ErrGone) || ws.refusal() != "" {
		t.Error(err, ws.refusal())
	}
	m.err = syscall.EFAULT // the volume's
	for range 2 {
		if _, err := ws.take(p, 50); !errors.Is(err, syscall.EFAULT) {
			t.Error(err)
		}
	}
	m.err = nil
	if _, err := ws.take(transport.Place{File: p.File, Volume: 2, Until: 100}, 50); err != nil {
		t.Error(err)
	}
	m.want(t, "0+100", "0+100", "0+100")
	if ws.refusal() != "mapping the page cache: bad address" {
		t.Errorf("%q", ws.refusal())
	}
}

// What the peer may write to is registered chunk by chunk, and no longer than the chunk is
// used; the mapping serves all of them.
func TestWindowsAlone(t *testing.T) {
	t.Parallel()
	ws, m := newTestWindows(t)
	ws.alone = true
	f := &disk{"f"}
	var all []use
	for _, off := range []int64{0, 1 << 20, 8 << 20} {
		u, err := ws.take(transport.Place{File: f, Off: off, Until: 9 << 20}, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if u.registered() != u.alone || u.window.whole != nil {
			t.Error("more than the chunk is registered")
		}
		all = append(all, u)
	}
	m.want(t, "0+8388608", "8388608+1048576")
	for _, u := range all {
		if err := errors.Join(u.conceal(), u.conceal(), u.release()); err != nil || u.alone != nil {
			t.Fatal(err)
		}
	}
	if want := "[0+1048576 1048576+1048576 8388608+1048576]"; fmt.Sprint(m.registered) != want {
		t.Errorf("registered %v, want %v", m.registered, want)
	}
	if len(ws.open) != 1 || ws.idle != all[2].window || len(ws.parts) != 0 {
		t.Errorf("%d windows are kept", len(ws.open))
	}
	m.registerErr = syscall.ENOMEM
	if _, err := ws.take(transport.Place{File: f, Off: 8 << 20, Until: 9 << 20}, 1<<20); !errors.Is(err, syscall.ENOMEM) || ws.refusal() == "" {
		t.Error(err, ws.refusal())
	}
	if len(ws.open) != 1 || ws.idle == nil {
		t.Errorf("%d windows after one could not be registered", len(ws.open))
	}
}

// The window behind the one in use is mapped ahead, once; where that fails, whoever comes there
// tries by itself.
func TestWindowsAhead(t *testing.T) {
	t.Parallel()
	ws, m := newTestWindows(t)
	f := &disk{"f"}
	at := func(off int64) transport.Place { return transport.Place{File: f, Volume: 1, Off: off, Until: 32 << 20} }
	take := func(off int64) use {
		t.Helper()
		u, err := ws.take(at(off), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		ws.ahead.Wait()
		return u
	}
	a := take(0)
	m.want(t, "0+8388608", "8388608+8388608")
	b := take(1 << 20)
	m.want(t, "0+8388608", "8388608+8388608")
	if n := ws.counters.hits.Load(); n != 1 {
		t.Errorf("used again %d times, want once", n)
	}
	m.fail = []error{syscall.ENOMEM, nil, nil}
	c := take(8 << 20) // and 16 MiB fail ahead
	if ws.next != nil || !ws.late || len(ws.refused) != 0 || len(ws.open) != 2 {
		t.Errorf("%d windows, refused %v, one is mapped ahead: %v", len(ws.open), ws.refused, ws.next)
	}
	d := take(16 << 20)
	m.want(t, "0+8388608", "8388608+8388608", "16777216+8388608", "16777216+8388608")
	for _, u := range []use{a, b, c, d} {
		if err := u.release(); err != nil {
			t.Error(err)
		}
	}
}

// Where a volume's page cache cannot be used, nothing is tried ahead either, and nobody waits.
func TestWindowsRefusedAhead(t *testing.T) {
	t.Parallel()
	ws, m := newTestWindows(t)
	m.err = syscall.EFAULT
	for range 2 {
		if _, err := ws.take(transport.Place{File: &disk{"f"}, Volume: 1, Off: 0, Until: 32 << 20}, 1<<20); !errors.Is(err, syscall.EFAULT) {
			t.Error(err)
		}
		ws.ahead.Wait()
	}
	m.want(t, "0+8388608")
	if len(ws.open) != 0 || ws.next != nil {
		t.Errorf("%d windows are open", len(ws.open))
	}
}

// A panic there is no end of the process: who comes there meets it by itself.
func TestWindowsPanicAhead(t *testing.T) {
	t.Parallel()
	ws, m := newTestWindows(t)
	first := ws.mapFile
	ws.mapFile = func(c syscall.RawConn, off int64, n int) (*mr.Pages, error) {
		if off > 0 {
			panic("a bug")
		}
		return first(c, off, n)
	}
	if _, err := ws.take(transport.Place{File: &disk{"f"}, Volume: 1, Off: 0, Until: 32 << 20}, 1<<20); err != nil {
		t.Fatal(err)
	}
	ws.ahead.Wait()
	m.want(t, "0+8388608")
	if len(ws.open) != 1 || ws.next != nil || !ws.late {
		t.Errorf("%d windows, one is mapped ahead: %v", len(ws.open), ws.next)
	}
}

// One that nobody has asked for gives way to one that somebody waits for.
func TestWindowsYield(t *testing.T) {
	t.Parallel()
	ws, m := newTestWindows(t)
	if _, err := ws.take(transport.Place{File: &disk{"f"}, Volume: 1, Off: 0, Until: 32 << 20}, 1<<20); err != nil {
		t.Fatal(err)
	}
	ws.ahead.Wait()
	m.fail = []error{syscall.ENOMEM, nil}
	if _, err := ws.take(transport.Place{File: &disk{"g"}, Volume: 1, Off: 0, Until: 32 << 20}, 1<<20); err != nil {
		t.Fatal(err)
	}
	m.want(t, "0+8388608", "8388608+8388608", "0+8388608", "0+8388608")
	if ws.next != nil || len(ws.open) != 2 || len(ws.refused) != 0 {
		t.Errorf("%d windows, refused %v, one is mapped ahead: %v", len(ws.open), ws.refused, ws.next)
	}
}
