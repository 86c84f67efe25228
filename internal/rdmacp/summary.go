package rdmacp

import (
	"fmt"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/transport"
)

const (
	transportName = "rdma" // the only one so far
	digestName    = "xxh3" // of chunks; 128 bits
)

// outcome is a copy that is done.
type outcome struct {
	job    job
	target string // the file that a get wrote; empty for a put
	peer   client.Peer
	result client.Result
}

// line is the last line that a person sees. Every figure in it was counted.
func (o outcome) line() string {
	r := o.result
	from, to := o.peer.LocalDevice, o.peer.Device
	if o.job.direction == transport.Get {
		from, to = to, from
	}
	return fmt.Sprintf("1 file, %s in %s, %s · %s %s -> %s · verified %s %s · %s",
		humanBytes(r.Bytes), humanDuration(r.Elapsed), humanRate(rate(r.Bytes, r.Elapsed)),
		transportName, console.Escape(from), console.Escape(to),
		digestName, count(r.Chunks, "chunk", "chunks"), count(r.Retried, "retry", "retries"))
}

// ledger is what -v adds: what the copy cost each end.
func (o outcome) ledger() string {
	return ledgerLine("here ", o.result.Local) + "\n" + ledgerLine("there", o.result.Remote)
}

// ledgerLine is what it cost one end.
func ledgerLine(where string, c client.Counters) string {
	number := func(n uint64, one, many string) string { return count(int64(n), one, many) }
	return fmt.Sprintf("  %s  %s moved, %s copied by a CPU, %s, %s, %s", where,
		humanBytes(int64(c.Bytes)), humanBytes(int64(c.CopiedBytes)),
		number(c.WorkRequests, "work request", "work requests"),
		number(c.Completions, "completion", "completions"),
		number(c.Wakeups, "wakeup", "wakeups"))
}

// json is the same for programs.
func (o outcome) json() summaryLine {
	r := o.result
	dst := o.job.dst
	if o.target != "" {
		dst = o.target
	}
	return summaryLine{
		head: head{jsonVersion, "summary"}, Files: 1, Bytes: r.Bytes,
		Seconds: r.Elapsed.Seconds(), BytesPerSecond: rate(r.Bytes, r.Elapsed),
		Direction: o.job.direction.String(), Source: o.job.src, Destination: dst, RemotePath: r.Path,
		Transport: transportName, LocalDevice: o.peer.LocalDevice, RemoteDevice: o.peer.Device,
		Digest: "xxh3-128", ChunksVerified: r.Chunks, Retries: r.Retried,
		Local: newCountersField(r.Local), Remote: newCountersField(r.Remote),
		Session: o.peer.SessionID, PeerVersion: o.peer.Version,
	}
}
