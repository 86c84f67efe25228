package rdma

import (
	"sync/atomic"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// counters are transport.Stats, counted from several goroutines at once.
type counters struct {
	bytes, chunks, copied, paged, direct, windows, hits, calls, workReqs, completions, wakeups atomic.Uint64
	source, mapping, wire, sink, digest                                                        atomic.Int64 // nanoseconds

	why atomic.Pointer[string] // the first reason to copy that anybody knew
}

// took counts bytes that went through a slot, by a call.
func (c *counters) took(m transport.Moved) {
	c.calls.Add(1)
	c.direct.Add(uint64(m.Direct))
	c.copied.Add(uint64(m.Copied))
	if m.Why != "" && m.Copied > 0 && c.why.Load() == nil {
		why := m.Why // or m would be allocated, whatever it says
		c.why.CompareAndSwap(nil, &why)
	}
}

// moved counts a chunk of n bytes.
func (c *counters) moved(n int) {
	c.bytes.Add(uint64(n))
	c.chunks.Add(1)
}

// snapshot returns the counts so far.
func (c *counters) snapshot() transport.Stats {
	return transport.Stats{
		Bytes:       c.bytes.Load(),
		Chunks:      c.chunks.Load(),
		CopiedBytes: c.copied.Load(),
		PagedBytes:  c.paged.Load(),
		DirectBytes: c.direct.Load(),
		Windows:     c.windows.Load(),
		Hits:        c.hits.Load(),
		Calls:       c.calls.Load(),
		WorkReqs:    c.workReqs.Load(),
		Completions: c.completions.Load(),
		Wakeups:     c.wakeups.Load(),
		Source:      time.Duration(c.source.Load()),
		Map:         time.Duration(c.mapping.Load()),
		Wire:        time.Duration(c.wire.Load()),
		Sink:        time.Duration(c.sink.Load()),
		Digest:      time.Duration(c.digest.Load()),
	}
}
