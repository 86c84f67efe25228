package server

import (
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// A client that takes what it gets leaves room for the others.
func TestGate(t *testing.T) {
	t.Parallel()
	g := newGate(3, 2)
	first, err := g.enter("greedy")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.enter("greedy"); err != nil {
		t.Fatal(err)
	}
	if _, err := g.enter("greedy"); fault.CodeOf(err) != fault.Limit {
		t.Errorf("a third session of one client: %v", err)
	}
	other, err := g.enter("modest")
	if err != nil {
		t.Errorf("there is no room for another: %v", err)
	}
	if _, err := g.enter("late"); fault.CodeOf(err) != fault.Limit {
		t.Errorf("a fourth session: %v", err)
	}
	first()
	if _, err := g.enter("greedy"); err != nil {
		t.Errorf("once one has ended: %v", err)
	}
	other()
	if g.idle() != 0 || len(g.clients) != 1 {
		t.Errorf("idle for %v with %v", g.idle(), g.clients)
	}
}
