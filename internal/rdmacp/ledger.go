package rdmacp

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/console"
)

// ledger is what -v adds: what the copy cost each end, and what it waited for.
func (o outcome) ledger() string {
	lines := []string{ledgerLine("here ", o.result.Local), ledgerLine("there", o.result.Remote)}
	if b := o.bound(); b.stage != "" {
		lines = append(lines, "  "+b.String())
	}
	return strings.Join(lines, "\n")
}

// ledgerLine is what it cost one end.
func ledgerLine(where string, c client.Counters) string {
	parts := []string{console.Bytes(int64(c.Bytes)) + " moved"}
	if c.SocketBytes == 0 || c.CopiedBytes > 0 { // "0 B copied by a CPU" is not to be said of what a CPU copies through sockets
		parts = append(parts, console.Bytes(int64(c.CopiedBytes))+" copied by a CPU")
	}
	if c.PagedBytes > 0 {
		paged := console.Bytes(int64(c.PagedBytes)) + " by the page cache"
		if c.Windows > 0 {
			paged += " in " + console.Count(int64(c.Windows), "window", "windows")
		}
		if c.HashedBytes > 0 {
			paged += ", read by a CPU for digests only"
		}
		parts = append(parts, paged)
	}
	if c.SocketBytes > 0 {
		parts = append(parts, console.Bytes(int64(c.SocketBytes))+" copied by a CPU through sockets")
	}
	if c.DirectBytes > 0 {
		parts = append(parts, console.Bytes(int64(c.DirectBytes))+" by O_DIRECT")
	}
	parts = append(parts, console.Count(int64(c.WorkReqs), "work request", "work requests"),
		console.Count(int64(c.Completions), "completion", "completions"), console.Count(int64(c.Wakeups), "wakeup", "wakeups"))
	line := "  " + where + "  " + strings.Join(parts, ", ")
	if c.WhyCopied != "" && c.CopiedBytes > 0 {
		line += "\n         copied, because " + c.WhyCopied
	}
	return line
}

// stats is what --stats says: the whole ledger, an end a column.
func (o outcome) stats() string {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	row := func(name string, cell func(c client.Counters) string) {
		_, _ = fmt.Fprintf(t, "  %s\t%s\t%s\n", name, cell(o.result.Local), cell(o.result.Remote))
	}
	_, _ = fmt.Fprintf(t, "  \there\tthere\n")
	row("moved", func(c client.Counters) string { return console.Bytes(int64(c.Bytes)) })
	row("copied by a CPU", func(c client.Counters) string { return console.Bytes(int64(c.CopiedBytes)) })
	row("by the page cache", func(c client.Counters) string { return console.Bytes(int64(c.PagedBytes)) })
	row("by O_DIRECT", func(c client.Counters) string { return console.Bytes(int64(c.DirectBytes)) })
	row("through sockets", func(c client.Counters) string { return console.Bytes(int64(c.SocketBytes)) })
	row("windows, used again", func(c client.Counters) string {
		return console.Number(int64(c.Windows)) + ", " + console.Number(int64(c.Hits))
	})
	row("work requests a GiB", func(c client.Counters) string { return perGiB(c, c.WorkReqs) })
	row("completions a GiB", func(c client.Counters) string { return perGiB(c, c.Completions) })
	row("wakeups a GiB", func(c client.Counters) string { return perGiB(c, c.Wakeups) })
	row("system calls a GiB", func(c client.Counters) string { return perGiB(c, c.Calls) })
	row("context switches", func(c client.Counters) string {
		if c.CPU.Voluntary+c.CPU.Involuntary == 0 { // Windows does not count them, and nobody copies without waiting
			return "not counted"
		}
		return console.Number(int64(c.CPU.Voluntary)) + " waiting, " + console.Number(int64(c.CPU.Involuntary)) + " not"
	})
	row("CPU time", func(c client.Counters) string {
		return console.Duration(c.CPU.User) + " user, " + console.Duration(c.CPU.System) + " system"
	})
	row("cycles a bit, about", cyclesPerBit)
	row("source, map, wire", func(c client.Counters) string { return shares(c, o.result.Elapsed, c.Source, c.Map, c.Wire) })
	row("digest, sink", func(c client.Counters) string { return shares(c, o.result.Elapsed, c.Digest, c.Sink) })
	if o.result.Local.Limit+o.result.Remote.Limit > 0 {
		row("limit of the rate", func(c client.Counters) string { return shares(c, o.result.Elapsed, c.Limit) })
	}
	if o.result.Local.Cipher+o.result.Remote.Cipher > 0 {
		row("encryption", func(c client.Counters) string { return shares(c, o.result.Elapsed, c.Cipher) })
	}
	_ = t.Flush()
	for _, e := range o.ends() {
		if e.WhyCopied != "" && e.CopiedBytes > 0 {
			_, _ = fmt.Fprintf(&b, "  copied %s, because %s\n", e.where, e.WhyCopied)
		}
	}
	if bound := o.bound(); bound.stage != "" {
		_, _ = fmt.Fprintf(&b, "  %s\n", bound)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// cyclesPerBit is what each bit cost the CPUs of an end, by the clock rate that they
// are said to have.
func cyclesPerBit(c client.Counters) string {
	if c.Bytes == 0 || c.Hertz == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", c.CPU.Time().Seconds()*c.Hertz/float64(c.Bytes)/8)
}

// perGiB is how often something happened for each GiB that moved.
func perGiB(c client.Counters, n uint64) string {
	if c.Bytes == 0 {
		return "-"
	}
	return console.Number(int64(float64(n) / float64(c.Bytes) * (1 << 30)))
}
