package rdma

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/rdmacp/rdmacp/internal/mr"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// windows are the parts of files' page caches that a connection opens to its device.
//
// The chunks of a file follow one another, so that a window serves several: one that
// nobody uses any more is kept until there is a second. A window that the peer may write to
// holds one chunk and no more, and is gone before anybody is told that the chunk is
// there: what counts as right is in nobody's reach.
type windows struct {
	mapFile  func(file syscall.RawConn, off int64, n int) (*mr.Window, error)
	size     int64 // bytes in one, a multiple of the chunk size; 0: each holds what is asked for
	counters *counters

	mu      sync.Mutex
	open    map[windowKey]*window
	idle    *window
	stuck   []*window        // that could not be closed
	refused map[uint64]error // by volume: why its page cache cannot be used
}

// windowKey is what a window shows.
type windowKey struct {
	file       syscall.Conn
	start, end int64
}

// window is a mapping with those who use it.
type window struct {
	*mr.Window
	in    *windows
	key   windowKey
	ready chan struct{} // closed once it is mapped, or err says why not
	err   error
	users int // guarded by windows.mu
}

// How many system calls it takes to open a window (map, populate, register), and to
// close it (deregister, unmap); and the same for a slot, whose memory is there.
const (
	openCalls    = 3
	closeCalls   = 2
	exposeCalls  = 1
	concealCalls = 1
)

// errNoWindow answers for extents that lie in no single window.
var errNoWindow = errors.New("rdma: the extent crosses windows")

func newWindows(mapFile func(syscall.RawConn, int64, int) (*mr.Window, error), size int, c *counters) *windows {
	return &windows{
		mapFile: mapFile, size: int64(size), counters: c,
		open: map[windowKey]*window{}, refused: map[uint64]error{},
	}
}

// take returns the window that holds n bytes at a place, until release.
func (ws *windows) take(p transport.Place, n int) (*window, error) {
	key, err := ws.around(p, int64(n))
	if err != nil {
		return nil, err
	}
	ws.mu.Lock()
	if err := ws.refused[p.Volume]; err != nil {
		ws.mu.Unlock()
		return nil, err
	}
	w := ws.open[key]
	if w == nil {
		w = &window{in: ws, key: key, ready: make(chan struct{}), users: 1}
		ws.open[key] = w
		ws.mu.Unlock()
		return w, ws.fill(w, p.Volume)
	}
	w.users++
	ws.counters.hits.Add(1)
	if ws.idle == w {
		ws.idle = nil
	}
	ws.mu.Unlock()
	<-w.ready
	return w, w.err
}

// around is the window that n bytes at a place lie in.
func (ws *windows) around(p transport.Place, n int64) (windowKey, error) {
	if ws.size == 0 {
		return windowKey{p.File, p.Off, p.Off + n}, nil
	}
	start := p.Off - p.Off%ws.size
	key := windowKey{p.File, max(start, p.Since), min(start+ws.size, p.Until)}
	if p.Off < key.start || p.Off+n > key.end {
		return key, errNoWindow
	}
	return key, nil
}

// fill maps a window. Where that fails nobody has it: who waits for it is told, and
// the volume is not tried again, unless it was the file that failed.
func (ws *windows) fill(w *window, volume uint64) error {
	defer close(w.ready)
	begun := time.Now()
	defer func() { ws.counters.mapping.Add(int64(time.Since(begun))) }()
	conn, err := w.key.file.SyscallConn()
	if err == nil {
		w.Window, err = ws.mapFile(conn, w.key.start, int(w.key.end-w.key.start))
	}
	ws.counters.calls.Add(openCalls)
	if err == nil {
		ws.counters.windows.Add(1)
		return nil
	}
	w.err = fmt.Errorf("mapping the page cache: %w", err)
	ws.mu.Lock()
	defer ws.mu.Unlock()
	delete(ws.open, w.key)
	if !errors.Is(err, mr.ErrGone) {
		ws.refused[volume] = w.err
	}
	return w.err
}

// refusal says why a volume's page cache cannot be used; empty if none was refused.
func (ws *windows) refusal() string {
	if ws == nil {
		return ""
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, err := range ws.refused {
		return err.Error()
	}
	return ""
}

// release ends a use. Nil is nobody's window. One that cannot be closed is tried again by
// close, when the queue pairs are gone.
func (w *window) release() error {
	if w == nil {
		return nil
	}
	ws := w.in
	ws.mu.Lock()
	w.users--
	var old *window // that goes
	switch {
	case w.users > 0:
	case ws.size == 0:
		old = w
	default:
		old, ws.idle = ws.idle, w
	}
	if old != nil {
		delete(ws.open, old.key)
	}
	ws.mu.Unlock()
	if old == nil {
		return nil
	}
	begun := time.Now()
	defer func() { ws.counters.mapping.Add(int64(time.Since(begun))) }()
	ws.counters.calls.Add(closeCalls)
	err := old.Close()
	if err != nil {
		ws.mu.Lock()
		ws.stuck = append(ws.stuck, old)
		ws.mu.Unlock()
	}
	return err
}

// close unmaps all. The queue pairs are gone, and nobody calls anything any more.
func (ws *windows) close() error {
	if ws == nil {
		return nil
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	var errs []error
	for key, w := range ws.open {
		errs = append(errs, w.Close())
		delete(ws.open, key)
	}
	for _, w := range ws.stuck {
		errs = append(errs, w.Close())
	}
	ws.idle, ws.stuck = nil, nil
	return errors.Join(errs...)
}
