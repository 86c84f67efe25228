package mtls

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// quiet is how long nothing more is logged of a peer that was refused.
const quiet = time.Minute

// maxRefused is how many peers are remembered: who has very many addresses gets no more
// of the log for it, nor of the memory.
const maxRefused = 1024

// refusedLog logs who was refused.
type refusedLog struct {
	to *slog.Logger

	mu   sync.Mutex
	last map[netip.Addr]time.Time
}

func newRefused(to *slog.Logger) *refusedLog {
	return &refusedLog{to: to, last: map[netip.Addr]time.Time{}}
}

// log logs that a peer was refused, unless that was logged a moment ago.
func (r *refusedLog) log(from net.Addr, why error) {
	if r.first(addressOf(from), time.Now()) {
		r.to.Warn("connection refused", attrs(from, why)...)
	}
}

// first reports whether nothing was logged of a peer for a while.
func (r *refusedLog) first(a netip.Addr, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, ok := r.last[a]; ok && now.Sub(last) < quiet {
		return false
	}
	if len(r.last) >= maxRefused {
		for a, last := range r.last {
			if now.Sub(last) >= quiet {
				delete(r.last, a)
			}
		}
		if len(r.last) >= maxRefused {
			return false
		}
	}
	r.last[a] = now
	return true
}

// addressOf is a peer without its port.
func addressOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
