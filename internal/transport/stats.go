package transport

import (
	"cmp"
	"time"
)

// Stats counts what one end of a connection did. Bytes are payload bytes; every
// figure is counted where it happens, none is derived.
type Stats struct {
	Bytes       uint64 // payload that this end drove over the wire, or settled
	Chunks      uint64 // extents moved
	CopiedBytes uint64 // payload bytes that a CPU of this host copied (between page cache and slab)
	SocketBytes uint64 // payload bytes that a CPU of this host copied into or out of a socket; none by RDMA
	PagedBytes  uint64 // payload bytes that the NIC, or sendfile, took out of the page cache, or the NIC put there
	DirectBytes uint64 // payload bytes that a disk took out of a slab, or put there (O_DIRECT)
	HashedBytes uint64 // payload bytes that sendfile sent and that a CPU read through a buffer in its caches, for their digest only
	Windows     uint64 // parts of the page cache that were registered for the NIC
	Hits        uint64 // extents for which a window was there already
	Calls       uint64 // system calls that moved payload, opened windows or exposed slots; what a device needs for its doorbells is no part of it
	WhyCopied   string // why bytes were copied, as far as that is known; one line for people
	WorkReqs    uint64 // work requests posted; by TCP, frames sent
	Completions uint64 // completions polled; by TCP, frames received
	Wakeups     uint64 // times that the poller slept and was woken by an event

	Source time.Duration // time spent reading sources, over all chunks
	Map    time.Duration // time spent mapping, registering and deregistering: the page cache, and slots that are registered for one loan
	Wire   time.Duration // time between post and completion, over all chunks
	Sink   time.Duration // time spent writing sinks, over all chunks
	Digest time.Duration // time spent computing digests, over all chunks
	Cipher time.Duration // time spent encrypting and decrypting, over all chunks
	Limit  time.Duration // time waited for a limit of the rate, over all chunks
}

// Since is what was counted after an earlier look.
func (s Stats) Since(before Stats) Stats {
	return Stats{
		Bytes: s.Bytes - before.Bytes, Chunks: s.Chunks - before.Chunks,
		CopiedBytes: s.CopiedBytes - before.CopiedBytes, SocketBytes: s.SocketBytes - before.SocketBytes, HashedBytes: s.HashedBytes - before.HashedBytes,
		PagedBytes: s.PagedBytes - before.PagedBytes, DirectBytes: s.DirectBytes - before.DirectBytes,
		Windows: s.Windows - before.Windows, Hits: s.Hits - before.Hits, Calls: s.Calls - before.Calls,
		WhyCopied: s.WhyCopied,
		WorkReqs:  s.WorkReqs - before.WorkReqs, Completions: s.Completions - before.Completions, Wakeups: s.Wakeups - before.Wakeups,
		Source: s.Source - before.Source, Map: s.Map - before.Map, Wire: s.Wire - before.Wire, Sink: s.Sink - before.Sink, Digest: s.Digest - before.Digest, Cipher: s.Cipher - before.Cipher,
		Limit: s.Limit - before.Limit,
	}
}

// Plus adds up what two connections did.
func (s Stats) Plus(t Stats) Stats {
	return Stats{
		Bytes: s.Bytes + t.Bytes, Chunks: s.Chunks + t.Chunks,
		CopiedBytes: s.CopiedBytes + t.CopiedBytes, SocketBytes: s.SocketBytes + t.SocketBytes, HashedBytes: s.HashedBytes + t.HashedBytes,
		PagedBytes: s.PagedBytes + t.PagedBytes, DirectBytes: s.DirectBytes + t.DirectBytes,
		Windows: s.Windows + t.Windows, Hits: s.Hits + t.Hits, Calls: s.Calls + t.Calls,
		WhyCopied: cmp.Or(s.WhyCopied, t.WhyCopied),
		WorkReqs:  s.WorkReqs + t.WorkReqs, Completions: s.Completions + t.Completions, Wakeups: s.Wakeups + t.Wakeups,
		Source: s.Source + t.Source, Map: s.Map + t.Map, Wire: s.Wire + t.Wire, Sink: s.Sink + t.Sink, Digest: s.Digest + t.Digest, Cipher: s.Cipher + t.Cipher,
		Limit: s.Limit + t.Limit,
	}
}
