package server

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// gate counts the sessions, and keeps new ones out when there are enough, of all clients
// or of one, or when the daemon is about to stop.
type gate struct {
	limit, perClient int

	mu      sync.Mutex
	open    int
	clients map[string]int
	since   time.Time // when the last one has left
	shut    bool
	empty   chan struct{} // closed once it is shut and nobody is inside
}

func newGate(limit, perClient int) *gate {
	if perClient <= 0 {
		perClient = limit
	}
	return &gate{limit: limit, perClient: perClient, clients: map[string]int{}, since: time.Now(), empty: make(chan struct{})}
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

// enter lets a client's session in. Who was let in calls leave.
func (g *gate) enter(client string) (leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	const what = "opening a session"
	switch {
	case g.shut:
		return nil, fault.New(fault.Interrupted, what, errors.New("the daemon is being stopped"), "run the same command again once it is back")
	case g.open >= g.limit:
		return nil, fault.New(fault.Limit, what, fmt.Errorf("as many sessions are open as the daemon allows, %d", g.open),
			"try again later, or raise max-sessions in the daemon's configuration")
	case g.clients[client] >= g.perClient:
		return nil, fault.New(fault.Limit, what, fmt.Errorf("this client has as many sessions as the daemon allows it, %d", g.perClient),
			"try again later, or raise max-client-sessions in the daemon's configuration")
	}
	g.open++
	g.clients[client]++
	return func() { g.leave(client) }, nil
}

func (g *gate) leave(client string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.since = time.Now()
	if g.clients[client]--; g.clients[client] == 0 {
		delete(g.clients, client)
	}
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
