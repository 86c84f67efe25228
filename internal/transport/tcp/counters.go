package tcp

import (
	"cmp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// counters are transport.Stats, counted from several goroutines at once.
type counters struct {
	bytes, chunks, copied, socket, paged, direct, hashed, sent, received, calls atomic.Uint64
	source, wire, sink, digest                                                  atomic.Int64 // nanoseconds

	mu  sync.Mutex
	why string // why a CPU has to copy; the first reason
}

// moved counts a chunk of n bytes.
func (c *counters) moved(n int) {
	c.bytes.Add(uint64(n))
	c.chunks.Add(1)
}

// refused notes why a CPU has to copy.
func (c *counters) refused(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.why = cmp.Or(c.why, why)
}

// took counts what a call has moved between a file and a slab.
func (c *counters) took(m transport.Moved) {
	c.calls.Add(1)
	c.copied.Add(uint64(m.Copied))
	c.direct.Add(uint64(m.Direct))
	if m.Copied > 0 {
		c.refused(m.Why)
	}
}

// spent counts how long a chunk was in a stage, in nanoseconds.
func (e *end) spent(s transport.Stage, begun time.Time, of *atomic.Int64) {
	d := time.Since(begun)
	of.Add(int64(d))
	e.latencies.Add(s, d)
}

// Stats returns the counts so far.
func (c *counters) Stats() transport.Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return transport.Stats{
		Bytes:       c.bytes.Load(),
		Chunks:      c.chunks.Load(),
		CopiedBytes: c.copied.Load(),
		SocketBytes: c.socket.Load(),
		PagedBytes:  c.paged.Load(),
		DirectBytes: c.direct.Load(),
		HashedBytes: c.hashed.Load(),
		WhyCopied:   c.why,
		WorkReqs:    c.sent.Load(),
		Completions: c.received.Load(),
		Calls:       c.calls.Load(),
		Source:      time.Duration(c.source.Load()),
		Wire:        time.Duration(c.wire.Load()),
		Sink:        time.Duration(c.sink.Load()),
		Digest:      time.Duration(c.digest.Load()),
	}
}
