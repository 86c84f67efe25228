package rdma

import "github.com/rdmacp/rdmacp/internal/fault"

// mapAhead begins to map what lies behind w in its file, unless that is open already, or another window
// waits to be asked for: no more than one does. The chunks that come there find it ready, or half of it done.
// Ws is locked.
func (ws *windows) mapAhead(until int64, w *window) {
	key := windowKey{w.key.file, w.key.end, min(w.key.end+ws.size, until)}
	if ws.late || ws.next != nil || key.start >= key.end || ws.open[key] != nil {
		return
	}
	next := ws.add(key)
	next.early, ws.next = true, next
	ws.ahead.Go(func() {
		defer close(next.ready)
		<-w.ready // which somebody waits for
		if !ws.begin(next) {
			next.err = errNoWindow
			return
		}
		if next.err = next.attempt(); next.err != nil {
			ws.forgo(next)
		}
	})
}

// attempt is make for a goroutine that nobody else stands behind.
func (w *window) attempt() (err error) {
	defer fault.Caught(&err, "mapping a part of a file ahead")
	return w.make()
}

// begin reports whether a window is still to be mapped ahead.
func (ws *windows) begin(w *window) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w.begun = ws.open[w.key] == w
	return w.begun
}

// forgo has no window mapped ahead any more, as where no more memory may be pinned; w is gone. Who comes there
// tries by itself.
func (ws *windows) forgo(w *window) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.late = true
	if ws.next == w {
		ws.next = nil
	}
	if ws.open[w.key] == w {
		delete(ws.open, w.key)
	}
}

// yield gives up the window that nobody has asked for, and reports whether that has given something back: it may
// be what another lacks, which somebody waits for.
func (ws *windows) yield() bool {
	ws.mu.Lock()
	w := ws.next
	ws.next, ws.late = nil, true
	begun := w != nil && w.begun
	if w != nil {
		delete(ws.open, w.key)
	}
	ws.mu.Unlock()
	if !begun {
		return false
	}
	<-w.ready
	if w.err == nil && w.Close() != nil {
		ws.mu.Lock()
		ws.stuck = append(ws.stuck, w)
		ws.mu.Unlock()
	}
	return true
}
