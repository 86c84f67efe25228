package rdmacp

import (
	"fmt"
	"strings"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

const digestName = "xxh3" // of chunks; 128 bits

// outcome is a job that is done.
type outcome struct {
	job      job
	command  command
	tally    tally
	target   string // where a get has landed; empty for a put
	peer     client.Peer
	result   client.Result
	problems int64
	unproven bool  // --no-verify
	limit    int64 // --bwlimit, bytes a second; 0: none
	earlier  earlier
}

// line is the last line that a person sees. Every figure in it was counted.
func (o outcome) line() string {
	r := o.result
	from, to := o.peer.LocalDevice, o.peer.Device
	if o.job.direction == transport.Get {
		from, to = to, from
	}
	by := o.peer.Transport.String()
	switch {
	case o.peer.Encrypted && o.peer.Transport == transport.TCP:
		by += " under TLS"
	case o.peer.Encrypted:
		by += " encrypted"
	}
	way := fmt.Sprintf("%s %s -> %s%s", by, console.Escape(from), console.Escape(to), since(o.peer.NoRDMA))
	took := console.Duration(r.Elapsed)
	switch o.command {
	case rehearse:
		return strings.Join(append([]string{
			fmt.Sprintf("dry run: %s, %s would be sent", o.files(o.tally.WouldCopy), console.Bytes(o.tally.WouldSend)), way,
		}, o.extras("would be deleted")...), " · ")
	case verifies:
		return strings.Join(append([]string{
			fmt.Sprintf("%s compared, %s, %s in %s", console.Count(o.tally.Entries, "entry", "entries"), console.Count(o.tally.Different, "difference", "differences"),
				console.Bytes(r.Kept), took), way,
		}, o.extras("deleted")...), " · ")
	case copies:
	}
	parts := []string{
		fmt.Sprintf("%s, %s in %s, %s", o.files(r.Files), console.Bytes(r.Bytes), took, console.Rate(console.Speed(r.Bytes, r.Elapsed))),
		way, "not verified",
	}
	if !o.unproven {
		parts[2] = "verified " + digestName + " " + console.Count(r.Chunks, "chunk", "chunks")
	}
	if r.Resumed > 0 {
		parts = append(parts, "resumed "+console.Bytes(r.Resumed))
	}
	if r.Kept > 0 {
		parts = append(parts, "kept "+console.Bytes(r.Kept))
	}
	if len(r.LostRails) > 0 {
		parts = append(parts, lostRails(r))
	}
	if e := o.earlier; e.Lost > 0 {
		parts = append(parts, fmt.Sprintf("%s lost, over which came %s before in %s",
			console.Count(e.Lost, "connection", "connections"), console.Bytes(e.Bytes), console.Duration(e.Elapsed)))
	}
	parts = append(parts, o.extras("deleted")...)
	return strings.Join(append(parts, console.Count(r.Retried, "retry", "retries")), " · ")
}

// since is why a copy did not go by RDMA, in the words of the last line.
func since(why *fault.Error) string {
	switch {
	case why == nil:
		return ""
	case why.Code == fault.Path:
		return ", since there is no way by RDMA"
	case why.Code == fault.Memlock && why.Host == "":
		return ", since this host may pin too little memory"
	case why.Code == fault.Memlock:
		return ", since " + console.Escape(why.Host) + " may pin too little memory"
	case why.Host == "":
		return ", since this host has no RDMA device"
	}
	return ", since " + console.Escape(why.Host) + " has no RDMA device"
}

// fallback is the same with all that is known.
func fallback(why *fault.Error) string {
	if why == nil {
		return ""
	}
	return console.Complete(why).Error()
}

// files is how many files there were, n of which had to be sent.
func (o outcome) files(n int64) string {
	t := o.tally
	var not []string
	if t.Unchanged > 0 {
		not = append(not, console.Number(t.Unchanged)+" unchanged")
	}
	if t.Skipped > 0 {
		not = append(not, console.Number(t.Skipped)+" left alone")
	}
	all := console.Count(n+t.Unchanged+t.Skipped, "file", "files")
	if not == nil {
		return all
	}
	return fmt.Sprintf("%s (%s)", all, strings.Join(not, ", "))
}

// extras are what is said only where there is something to say.
func (o outcome) extras(deleted string) []string {
	var parts []string
	if n := o.tally.Deleted; n > 0 {
		parts = append(parts, console.Number(n)+" "+deleted)
	}
	if n := o.problems; n > 0 {
		parts = append(parts, console.Count(n, "problem", "problems"))
	}
	return parts
}

// json is the same for programs.
func (o outcome) json() summaryLine {
	r, t := o.result, o.tally
	landed := r.Path
	if o.job.direction == transport.Get {
		landed = o.target
	}
	digest := digestName + "-128"
	if o.unproven {
		digest = ""
	}
	if o.command != rehearse {
		t.WouldCopy, t.WouldSend = 0, 0
	}
	return summaryLine{
		head: head{jsonVersion, "summary"}, Command: o.command.String(),
		Files: r.Files, Unchanged: t.Unchanged, Skipped: t.Skipped, Entries: t.Entries,
		Bytes: r.Bytes, Kept: r.Kept, Resumed: r.Resumed, Deleted: t.Deleted, Different: t.Different, WouldCopy: t.WouldCopy, WouldSend: t.WouldSend, Problems: o.problems,
		Seconds: r.Elapsed.Seconds(), BytesPerSecond: console.Speed(r.Bytes, r.Elapsed),
		Direction: o.job.direction.String(), Sources: o.job.typed(), Destination: o.job.dst.arg, Landed: landed,
		Transport: o.peer.Transport.String(), Encrypted: o.peer.Encrypted, Fallback: fallback(o.peer.NoRDMA), LocalDevice: o.peer.LocalDevice, RemoteDevice: o.peer.Device,
		RailsLost: append([]string{}, r.LostRails...), RailsBack: append([]string{}, r.RailsBack...),
		Digest: digest, ChunksVerified: r.Chunks, Retries: r.Retried,
		Earlier: earlierField{o.earlier.Lost, o.earlier.Files, o.earlier.Bytes, o.earlier.Elapsed.Seconds()},
		Local:   newCountersField(r.Local), Remote: newCountersField(r.Remote), BoundBy: newBoundField(o.bound()),
		Session: o.peer.SessionID, PeerVersion: o.peer.Version,
	}
}

// lostRails says over which devices bytes did not go to the end, or not all the time.
func lostRails(r client.Result) string {
	s := "lost rail " + console.Escape(strings.Join(r.LostRails, ", "))
	if len(r.RailsBack) > 0 {
		s += ", back " + console.Escape(strings.Join(r.RailsBack, ", "))
	}
	return s
}
