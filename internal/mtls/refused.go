package mtls

import (
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// quiet is how long nothing more is logged of a peer that was refused.
const quiet = time.Minute

// maxRefused is how many peers are remembered: who has very many addresses gets no more
// of the log for it, nor of the memory.
const maxRefused = 1024

// maxReasons is how many reasons are logged of a peer in that time: who mends one thing is
// told of the next, and who makes reasons up gets no more of the log for it.
const maxReasons = 8

// refusedLog logs who was refused.
type refusedLog struct {
	to *slog.Logger

	mu    sync.Mutex
	peers map[netip.Addr]*refusals
}

// refusals are what was logged of a peer since a time.
type refusals struct {
	since   time.Time
	reasons []string
}

func newRefused(to *slog.Logger) *refusedLog {
	return &refusedLog{to: to, peers: map[netip.Addr]*refusals{}}
}

// log logs that a peer was refused, unless that was logged a moment ago.
func (r *refusedLog) log(from net.Addr, why error) {
	if r.first(addressOf(from), why.Error(), time.Now()) {
		r.to.Warn("connection refused", attrs(from, why)...)
	}
}

// first reports whether that reason was not logged of a peer for a while.
func (r *refusedLog) first(a netip.Addr, why string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.peers[a]
	if p == nil || now.Sub(p.since) >= quiet {
		if p == nil && !r.room(now) {
			return false
		}
		p = &refusals{since: now}
		r.peers[a] = p
	}
	if len(p.reasons) == maxReasons || slices.Contains(p.reasons, why) {
		return false
	}
	p.reasons = append(p.reasons, why)
	return true
}

// room makes room for one more peer, if there can be.
func (r *refusedLog) room(now time.Time) bool {
	if len(r.peers) >= maxRefused {
		maps.DeleteFunc(r.peers, func(_ netip.Addr, p *refusals) bool { return now.Sub(p.since) >= quiet })
	}
	return len(r.peers) < maxRefused
}

// addressOf is a peer without its port.
func addressOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
