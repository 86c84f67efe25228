package wire

import (
	"github.com/rdmacp/rdmacp/internal/transport"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// Counters are what one end counted during a transfer.
type Counters struct {
	Bytes        uint64 // payload
	Chunks       uint64
	CopiedBytes  uint64 // payload that a CPU of the host copied
	WorkRequests uint64
	Completions  uint64
	Wakeups      uint64 // times that the poller slept and was woken
	PagedBytes   uint64 // payload that the NIC took out of the page cache
	Windows      uint64 // parts of the page cache that were registered for that
	WhyCopied    string // why the page cache could not be shown to the NIC; one line for people
}

// CountersSince returns what a connection counted between two looks at it.
func CountersSince(before, now transport.Stats) Counters {
	return Counters{
		Bytes:        now.Bytes - before.Bytes,
		Chunks:       now.Chunks - before.Chunks,
		CopiedBytes:  now.CopiedBytes - before.CopiedBytes,
		WorkRequests: now.WorkReqs - before.WorkReqs,
		Completions:  now.Completions - before.Completions,
		Wakeups:      now.Wakeups - before.Wakeups,
		PagedBytes:   now.PagedBytes - before.PagedBytes,
		Windows:      now.Windows - before.Windows,
		WhyCopied:    now.WhyCopied,
	}
}

// FromCounters returns c as a message.
func FromCounters(c Counters) *pb.Counters {
	return &pb.Counters{
		Bytes: c.Bytes, Chunks: c.Chunks, CopiedBytes: c.CopiedBytes,
		WorkRequests: c.WorkRequests, Completions: c.Completions, Wakeups: c.Wakeups,
		PagedBytes: c.PagedBytes, Windows: c.Windows, WhyCopied: Printable(c.WhyCopied, MaxText),
	}
}

// ToCounters returns what m holds. The figures are for people only.
func ToCounters(m *pb.Counters) Counters {
	return Counters{
		Bytes: m.GetBytes(), Chunks: m.GetChunks(), CopiedBytes: m.GetCopiedBytes(),
		WorkRequests: m.GetWorkRequests(), Completions: m.GetCompletions(), Wakeups: m.GetWakeups(),
		PagedBytes: m.GetPagedBytes(), Windows: m.GetWindows(), WhyCopied: Printable(m.GetWhyCopied(), MaxText),
	}
}
