package transport

import "time"

// Stats counts what one end of a connection did. Bytes are payload bytes; every
// figure is counted where it happens, none is derived.
type Stats struct {
	Bytes       uint64 // payload that this end drove over the wire, or settled
	Chunks      uint64 // extents moved
	CopiedBytes uint64 // payload bytes that a CPU of this host copied (between page cache and slab)
	PagedBytes  uint64 // payload bytes that the NIC took out of the page cache
	Windows     uint64 // parts of the page cache that were registered for that
	WhyCopied   string // why it could not take them from there, where that was tried; empty otherwise
	WorkReqs    uint64 // work requests posted
	Completions uint64 // completions polled
	Wakeups     uint64 // times that the poller slept and was woken by an event

	Source time.Duration // time spent reading sources, over all chunks
	Map    time.Duration // time spent mapping, registering and deregistering the page cache
	Wire   time.Duration // time between post and completion, over all chunks
	Sink   time.Duration // time spent writing sinks, over all chunks
	Digest time.Duration // time spent computing digests, over all chunks
}
