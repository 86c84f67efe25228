package server

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// gate counts the sessions, and keeps new ones out when there are enough or the
// daemon is about to stop.
type gate struct {
	limit int

	mu    sync.Mutex
	open  int
	since time.Time // when the last one has left
	shut  bool
	empty chan struct{} // closed once it is shut and nobody is inside
}

func newGate(limit int) *gate {
	return &gate{limit: limit, since: time.Now(), empty: make(chan struct{})}
}

// idle is for how long nobody has been inside.
func (g *gate) idle() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open > 0 {
		return 0
	}
	return time.Since(g.since)
}

// enter lets a session in. Who was let in calls leave.
func (g *gate) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	const what = "opening a session"
	switch {
	case g.shut:
		return fault.New(fault.Interrupted, what, errors.New("the daemon is being stopped"), "run the same command again once it is back")
	case g.open >= g.limit:
		return fault.New(fault.Limit, what, fmt.Errorf("%d sessions are open, and the daemon allows no more", g.open),
			"try again later, or raise max-sessions in the daemon's configuration")
	}
	g.open++
	return nil
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.since = time.Now()
	if g.open--; g.open == 0 && g.shut {
		close(g.empty)
	}
}

// close keeps new sessions out. The channel that it returns is closed once the
// last one has left.
func (g *gate) close() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut && g.open == 0 {
		close(g.empty)
	}
	g.shut = true
	return g.empty
}
