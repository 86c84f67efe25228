package rdmacp

import "github.com/rdmacp/rdmacp/internal/client"

// countersField is what one end counted.
type countersField struct {
	Bytes        uint64 `json:"bytes"`
	Chunks       uint64 `json:"chunks"`
	CopiedBytes  uint64 `json:"copied_bytes"`
	WorkRequests uint64 `json:"work_requests"`
	Completions  uint64 `json:"completions"`
	Wakeups      uint64 `json:"wakeups"`
	PagedBytes   uint64 `json:"page_cache_bytes"`
	DirectBytes  uint64 `json:"direct_bytes"`
	SocketBytes  uint64 `json:"socket_bytes"` // that a CPU copied into or out of TCP sockets
	HashedBytes  uint64 `json:"hashed_bytes"` // that a CPU read for their digest only
	Windows      uint64 `json:"windows"`
	Hits         uint64 `json:"window_hits"`
	Calls        uint64 `json:"system_calls"`
	WhyCopied    string `json:"why_copied"` // why a CPU had to copy, as far as that is known

	// Stages, over all chunks: of Slots many are under way at once.
	SourceSeconds float64 `json:"source_seconds"`
	MapSeconds    float64 `json:"map_seconds"`
	WireSeconds   float64 `json:"wire_seconds"`
	DigestSeconds float64 `json:"digest_seconds"`
	CipherSeconds float64 `json:"cipher_seconds"`
	LimitSeconds  float64 `json:"limit_seconds"`
	SinkSeconds   float64 `json:"sink_seconds"`
	Slots         int     `json:"slots"`

	// Of the process; a daemon may have served others meanwhile.
	UserSeconds   float64 `json:"user_seconds"`
	SystemSeconds float64 `json:"system_seconds"`
	Voluntary     uint64  `json:"voluntary_switches"`
	Involuntary   uint64  `json:"involuntary_switches"`
	Hertz         float64 `json:"hertz"` // clock rate of the CPUs; 0: not known
}

// newCountersField is one end's counters as a part of a line.
func newCountersField(c client.Counters) countersField {
	return countersField{
		Bytes: c.Bytes, Chunks: c.Chunks, CopiedBytes: c.CopiedBytes,
		WorkRequests: c.WorkReqs, Completions: c.Completions, Wakeups: c.Wakeups,
		PagedBytes: c.PagedBytes, DirectBytes: c.DirectBytes, SocketBytes: c.SocketBytes, HashedBytes: c.HashedBytes, Windows: c.Windows, Hits: c.Hits, Calls: c.Calls, WhyCopied: c.WhyCopied,
		SourceSeconds: c.Source.Seconds(), MapSeconds: c.Map.Seconds(), WireSeconds: c.Wire.Seconds(),
		DigestSeconds: c.Digest.Seconds(), CipherSeconds: c.Cipher.Seconds(), LimitSeconds: c.Limit.Seconds(), SinkSeconds: c.Sink.Seconds(), Slots: c.Slots,
		UserSeconds: c.CPU.User.Seconds(), SystemSeconds: c.CPU.System.Seconds(),
		Voluntary: c.CPU.Voluntary, Involuntary: c.CPU.Involuntary, Hertz: c.Hertz,
	}
}

// boundField is what a copy was waiting for most.
type boundField struct {
	Stage string  `json:"stage"` // empty: there is nothing to tell
	Where string  `json:"where"` // here or there
	Share float64 `json:"share"` // of the slots' time
}

func newBoundField(b bound) boundField { return boundField{b.stage, b.where, b.share} }
