package rdma

import (
	"time"

	"github.com/rdmacp/rdmacp/internal/mr"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// use is what one chunk has of a window: nothing, where the slot is used.
//
// What the peer may write to holds one chunk and no more, by a key of its own, and is out
// of the peer's reach before the chunk's digest is taken: what is proved is what stays. The
// mapping serves the chunks that follow.
type use struct {
	window *window
	alone  *mr.Window // registered for this chunk; nil where the window is, as a whole
}

// take returns a use of the window that holds n bytes at a place, until release.
func (ws *windows) take(p transport.Place, n int) (use, error) {
	w, err := ws.enter(p, n)
	if err != nil {
		return use{}, err
	}
	if !ws.alone {
		return use{window: w}, nil
	}
	begun := time.Now()
	defer func() { ws.counters.mapping.Add(int64(time.Since(begun))) }()
	alone, err := ws.enroll(w.Pages, p.Off, n)
	if err != nil {
		_ = w.leave() // what it may close is another, and tried again
		return use{}, ws.refuse(p.Volume, err)
	}
	ws.mu.Lock()
	ws.parts[alone] = struct{}{}
	ws.mu.Unlock()
	return use{window: w, alone: alone}, nil
}

// registered is what work requests name.
func (u use) registered() *mr.Window {
	if u.alone != nil {
		return u.alone
	}
	return u.window.whole
}

// conceal takes what is registered for the chunk alone out of the device's reach. Where that
// fails close tries again, when the queue pairs are gone; until then the window stays mapped.
func (u *use) conceal() error {
	if u.alone == nil {
		return nil
	}
	ws := u.window.in
	begun := time.Now()
	defer func() { ws.counters.mapping.Add(int64(time.Since(begun))) }()
	ws.counters.calls.Add(registerCalls)
	if err := u.alone.Close(); err != nil {
		return err
	}
	ws.mu.Lock()
	delete(ws.parts, u.alone)
	ws.mu.Unlock()
	u.alone = nil
	return nil
}

// release ends the use.
func (u use) release() error {
	if u.window == nil {
		return nil
	}
	if err := u.conceal(); err != nil {
		return err
	}
	return u.window.leave()
}
