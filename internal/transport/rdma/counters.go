package rdma

import (
	"sync/atomic"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// counters are transport.Stats, counted from several goroutines at once.
type counters struct {
	bytes, chunks, copied, paged, windows, workReqs, completions, wakeups atomic.Uint64
	source, mapping, wire, sink, digest                                   atomic.Int64 // nanoseconds
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
		Windows:     c.windows.Load(),
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
