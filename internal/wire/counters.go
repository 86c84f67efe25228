package wire

import (
	"time"

	"github.com/rdmacp/rdmacp/internal/cpu"
	"github.com/rdmacp/rdmacp/internal/transport"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// Counters are what one end counted during a transfer.
type Counters struct {
	transport.Stats

	CPU   cpu.Usage // of the whole process: a daemon may have served others meanwhile
	Hertz float64   // clock rate of the end's CPUs, cycles a second; 0: not known
	Slots int       // that the end has, for chunks in flight
}

// Look is a look at what an end has counted.
type Look struct {
	stats transport.Stats
	cpu   cpu.Usage
}

// NewLook looks at what was counted until now.
func NewLook(s transport.Stats) Look { return Look{s, cpu.Used()} }

// Since returns what was counted after an earlier look.
func (l Look) Since(before Look, slots int) Counters {
	return Counters{Stats: l.stats.Since(before.stats), CPU: l.cpu.Since(before.cpu), Hertz: cpu.Hertz(), Slots: slots}
}

// FromCounters returns c as a message.
func FromCounters(c Counters) *pb.Counters {
	return &pb.Counters{
		Bytes: c.Bytes, Chunks: c.Chunks, CopiedBytes: c.CopiedBytes,
		SocketBytes: c.SocketBytes, HashedBytes: c.HashedBytes,
		PagedBytes: c.PagedBytes, DirectBytes: c.DirectBytes, WhyCopied: Printable(c.WhyCopied, MaxText),
		Windows: c.Windows, Hits: c.Hits, Calls: c.Calls,
		WorkRequests: c.WorkReqs, Completions: c.Completions, Wakeups: c.Wakeups,
		SourceNanos: nanos(c.Source), MapNanos: nanos(c.Map), WireNanos: nanos(c.Wire),
		SinkNanos: nanos(c.Sink), DigestNanos: nanos(c.Digest), CipherNanos: nanos(c.Cipher), LimitNanos: nanos(c.Limit),
		UserNanos: nanos(c.CPU.User), SystemNanos: nanos(c.CPU.System),
		VoluntarySwitches: c.CPU.Voluntary, InvoluntarySwitches: c.CPU.Involuntary,
		Hertz: c.Hertz, Slots: uint32(c.Slots),
	}
}

// ToCounters returns what m holds. The figures are for people only.
func ToCounters(m *pb.Counters) Counters {
	return Counters{
		Stats: transport.Stats{
			Bytes: m.GetBytes(), Chunks: m.GetChunks(), CopiedBytes: m.GetCopiedBytes(),
			SocketBytes: m.GetSocketBytes(), HashedBytes: m.GetHashedBytes(),
			PagedBytes: m.GetPagedBytes(), DirectBytes: m.GetDirectBytes(), WhyCopied: Printable(m.GetWhyCopied(), MaxText),
			Windows: m.GetWindows(), Hits: m.GetHits(), Calls: m.GetCalls(),
			WorkReqs: m.GetWorkRequests(), Completions: m.GetCompletions(), Wakeups: m.GetWakeups(),
			Source: duration(m.GetSourceNanos()), Map: duration(m.GetMapNanos()), Wire: duration(m.GetWireNanos()),
			Sink: duration(m.GetSinkNanos()), Digest: duration(m.GetDigestNanos()), Cipher: duration(m.GetCipherNanos()), Limit: duration(m.GetLimitNanos()),
		},
		CPU: cpu.Usage{
			User: duration(m.GetUserNanos()), System: duration(m.GetSystemNanos()),
			Voluntary: m.GetVoluntarySwitches(), Involuntary: m.GetInvoluntarySwitches(),
		},
		Hertz: max(0, m.GetHertz()), Slots: int(min(m.GetSlots(), MaxSlots)),
	}
}

// nanos is a duration as a message has it.
func nanos(d time.Duration) uint64 { return uint64(max(0, d)) }

// duration is what a peer calls one, whatever it says.
func duration(n uint64) time.Duration { return time.Duration(min(n, 1<<62)) }
