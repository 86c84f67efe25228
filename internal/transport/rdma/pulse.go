package rdma

import (
	"sync"
	"sync/atomic"
	"time"
)

// pulses are those of a fabric's pollers.
type pulses struct {
	begun time.Time

	mu  sync.Mutex // guards all
	all map[*pulse]struct{}
}

// pulse says since when a poller is at what it does, as nanoseconds since pulses.begun; 0 while it
// sleeps.
type pulse struct {
	of    *pulses
	since atomic.Int64
}

func newPulses() *pulses { return &pulses{begun: time.Now(), all: map[*pulse]struct{}{}} }

// join adds a poller.
func (p *pulses) join() *pulse {
	one := &pulse{of: p}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all[one] = struct{}{}
	return one
}

// leave takes a poller out that has ended.
func (p *pulse) leave() {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	delete(p.of.all, p)
}

// beat says that the poller begins with something; rest, that it sleeps.
func (p *pulse) beat() { p.since.Store(max(1, int64(time.Since(p.of.begun)))) }
func (p *pulse) rest() { p.since.Store(0) }

// Stuck reports whether a poller of completions has been at one and the same for longer than limit. One
// that waits for completions is not: nothing has to move.
func (f *Fabric) Stuck(limit time.Duration) bool {
	p := f.pulses
	now := int64(time.Since(p.begun))
	p.mu.Lock()
	defer p.mu.Unlock()
	for one := range p.all {
		if since := one.since.Load(); since > 0 && now-since > int64(limit) {
			return true
		}
	}
	return false
}
