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
// nobody uses any more is kept until there is a second. It is registered as a whole, but
// where the peer may write: there each chunk is registered by itself (use).
type windows struct {
	mapFile  func(file syscall.RawConn, off int64, n int) (*mr.Pages, error)
	register func(p *mr.Pages, off int64, n int) (*mr.Window, error)
	size     int64 // bytes in one, a multiple of the chunk size
	alone    bool  // each chunk is registered by itself
	counters *counters

	mu      sync.Mutex
	open    map[windowKey]*window
	idle    *window
	next    *window // that nobody has asked for yet (ahead.go)
	late    bool    // none is mapped ahead any more
	ahead   sync.WaitGroup
	stuck   []*window               // that could not be closed
	parts   map[*mr.Window]struct{} // what is registered for chunks alone
	refused map[uint64]error        // by volume: why its page cache cannot be used
}

// windowKey is what a window shows.
type windowKey struct {
	file       syscall.Conn
	start, end int64
}

// window is a mapping with those who use it.
type window struct {
	*mr.Pages
	whole *mr.Window // nil where each chunk is registered by itself
	in    *windows
	key   windowKey
	ready chan struct{} // closed once it is mapped, or err says why not
	err   error
	early bool // it is mapped before anybody asks for it
	begun bool // and that has begun; guarded by windows.mu, as are used and users
	used  bool // somebody has asked for it
	users int
}

// How many system calls it takes to map and populate pages, to unmap them, and to register
// and deregister them or a slot.
const (
	mapCalls      = 2
	unmapCalls    = 1
	registerCalls = 1
)

// errNoWindow answers for extents that lie in no single window.
var errNoWindow = errors.New("rdma: the extent crosses windows")

// enter returns the window that holds n bytes at a place, until leave.
func (ws *windows) enter(p transport.Place, n int) (*window, error) {
	key, err := ws.around(p, int64(n))
	if err != nil {
		return nil, err
	}
	ws.mu.Lock()
	if err := ws.refused[p.Volume]; err != nil {
		ws.mu.Unlock()
		return nil, err
	}
	w, known := ws.open[key]
	if !known {
		w = ws.add(key)
	}
	w.users++
	if w.used && !ws.alone {
		ws.counters.hits.Add(1)
	}
	w.used = true
	if ws.idle == w {
		ws.idle = nil
	}
	if ws.next == w {
		ws.next = nil
	}
	ws.mapAhead(p.Until, w)
	ws.mu.Unlock()
	if !known {
		ws.fill(w, p.Volume)
	}
	w.await()
	if w.err != nil && w.early { // it was an attempt, and nobody's word on the volume
		return ws.enter(p, n)
	}
	return w, w.err
}

// add notes a window that is to be mapped. Ws is locked.
func (ws *windows) add(key windowKey) *window {
	w := &window{in: ws, key: key, ready: make(chan struct{})}
	ws.open[key] = w
	return w
}

// await waits until it is mapped. That time is the chunk's in this stage.
func (w *window) await() {
	select {
	case <-w.ready:
		return
	default:
	}
	begun := time.Now()
	<-w.ready
	w.in.counters.mapping.Add(int64(time.Since(begun)))
}

// around is the window that n bytes at a place lie in.
func (ws *windows) around(p transport.Place, n int64) (windowKey, error) {
	start := p.Off - p.Off%ws.size
	key := windowKey{p.File, max(start, p.Since), min(start+ws.size, p.Until)}
	if p.Off < key.start || p.Off+n > key.end {
		return key, errNoWindow
	}
	return key, nil
}

// fill maps a window. Where that fails nobody has it: who waits for it is told.
func (ws *windows) fill(w *window, volume uint64) {
	defer close(w.ready)
	begun := time.Now()
	defer func() { ws.counters.mapping.Add(int64(time.Since(begun))) }()
	err := w.make()
	if err != nil && ws.yield() {
		err = w.make()
	}
	if err != nil {
		w.err = ws.refuse(volume, err)
		ws.mu.Lock()
		defer ws.mu.Unlock()
		delete(ws.open, w.key)
	}
}

// make maps a window, and registers it unless each chunk is.
func (w *window) make() error {
	conn, err := w.key.file.SyscallConn()
	if err != nil {
		return err
	}
	n := int(w.key.end - w.key.start)
	w.in.counters.calls.Add(mapCalls)
	if w.Pages, err = w.in.mapFile(conn, w.key.start, n); err != nil || w.in.alone {
		return err
	}
	if w.whole, err = w.in.enroll(w.Pages, w.key.start, n); err != nil {
		return errors.Join(err, w.Pages.Close())
	}
	return nil
}

// enroll registers pages, and counts that.
func (ws *windows) enroll(p *mr.Pages, off int64, n int) (*mr.Window, error) {
	ws.counters.calls.Add(registerCalls)
	r, err := ws.register(p, off, n)
	if err == nil {
		ws.counters.windows.Add(1)
	}
	return r, err
}

// refuse notes that a volume's page cache cannot be used, unless it was the file that
// failed. It returns the error that says so.
func (ws *windows) refuse(volume uint64, err error) error {
	gone := errors.Is(err, mr.ErrGone)
	err = fmt.Errorf("mapping the page cache: %w", err)
	if !gone {
		ws.mu.Lock()
		defer ws.mu.Unlock()
		ws.refused[volume] = err
	}
	return err
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

// leave ends a use. A window that cannot be closed is tried again by close, when the queue
// pairs are gone.
func (w *window) leave() error {
	ws := w.in
	ws.mu.Lock()
	w.users--
	var old *window // that goes
	if w.users == 0 {
		old, ws.idle = ws.idle, w
	}
	if old == nil {
		ws.mu.Unlock()
		return nil
	}
	delete(ws.open, old.key)
	ws.mu.Unlock()
	begun := time.Now()
	defer func() { ws.counters.mapping.Add(int64(time.Since(begun))) }()
	err := old.Close()
	if err != nil {
		ws.mu.Lock()
		ws.stuck = append(ws.stuck, old)
		ws.mu.Unlock()
	}
	return err
}

// Close deregisters and unmaps a window. One that stays registered stays mapped.
func (w *window) Close() error {
	if w.whole != nil {
		w.in.counters.calls.Add(registerCalls)
	}
	if err := w.whole.Close(); err != nil {
		return err
	}
	w.in.counters.calls.Add(unmapCalls)
	return w.Pages.Close()
}

// close unmaps all. The queue pairs are gone, and nobody calls anything any more.
func (ws *windows) close() error {
	if ws == nil {
		return nil
	}
	ws.ahead.Wait()
	ws.mu.Lock()
	defer ws.mu.Unlock()
	var errs []error
	for part := range ws.parts {
		errs = append(errs, part.Close())
		delete(ws.parts, part)
	}
	for key, w := range ws.open {
		errs = append(errs, w.Close())
		delete(ws.open, key)
	}
	for _, w := range ws.stuck {
		errs = append(errs, w.Close())
	}
	ws.idle, ws.next, ws.stuck = nil, nil, nil
	return errors.Join(errs...)
}
