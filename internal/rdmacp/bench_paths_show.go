package rdmacp

import (
	"fmt"
	"text/tabwriter"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/cpu"
	"github.com/rdmacp/rdmacp/internal/plot"
	"github.com/rdmacp/rdmacp/internal/sendpath"
)

// pathLine is a way as a line of JSON. Its figures are those of one round, the median by CPU time.
type pathLine struct {
	head
	Path                string  `json:"path"`
	Skipped             string  `json:"skipped,omitempty"`
	Rounds              int     `json:"rounds"`
	Bytes               int64   `json:"bytes"`
	Seconds             float64 `json:"seconds"`
	UserSeconds         float64 `json:"user_seconds"`
	SystemSeconds       float64 `json:"system_seconds"`
	CyclesPerBit        float64 `json:"cycles_per_bit,omitempty"` // an estimate, by the nominal clock rate
	CopiedBytes         int64   `json:"copied_bytes"`
	VoluntarySwitches   uint64  `json:"voluntary_switches"`
	InvoluntarySwitches uint64  `json:"involuntary_switches"`
	Calls               uint64  `json:"calls"`
	Note                string  `json:"note,omitempty"`
}

// pathTable writes what was measured.
func (a *app) pathTable(size int64, trials []*pathTrial) error {
	if a.opts.json {
		for _, t := range trials {
			if err := writeLine(a.io.Stdout, t.line()); err != nil {
				return stdoutFault(err)
			}
		}
		return nil
	}
	_, _ = fmt.Fprintf(a.io.Stdout, "%s, what the sending side takes\n", console.Bytes(size))
	w := tabwriter.NewWriter(a.io.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "WAY\tRATE\tCPU/GIB\tCYCLES/BIT\tCOPIES/BYTE\tSWITCHES/GIB\tCALLS/GIB\tNOTE")
	for _, t := range trials {
		if len(t.costs) == 0 {
			_, _ = fmt.Fprintf(w, "%s\t-\t-\t-\t-\t-\t-\t%s\n", t.name, t.skip)
			continue
		}
		c := t.median()
		_, _ = fmt.Fprintf(w, "%s\t%s\t%.0f ms\t%s\t%s\t%s\t%s\t%s\n", t.name, console.Rate(console.Speed(c.Bytes, c.Elapsed)), cpuPerGiB(c),
			known(cycles(c), "%.2f"), fmt.Sprintf("%.2f", float64(c.Copied)/float64(c.Bytes)), perGiBOf(c, c.CPU.Voluntary+c.CPU.Involuntary), perGiBOf(c, c.Calls), c.Note)
	}
	return asStdout(w.Flush())
}

// line is a row for programs.
func (t *pathTrial) line() pathLine {
	l := pathLine{head: head{jsonVersion, "bench_path"}, Path: t.name, Rounds: len(t.costs)}
	if len(t.costs) == 0 {
		l.Skipped = t.skip
		return l
	}
	c := t.median()
	l.Bytes, l.Seconds, l.UserSeconds, l.SystemSeconds = c.Bytes, c.Elapsed.Seconds(), c.CPU.User.Seconds(), c.CPU.System.Seconds()
	l.CyclesPerBit, l.CopiedBytes, l.Calls, l.Note = cycles(c), c.Copied, c.Calls, c.Note
	l.VoluntarySwitches, l.InvoluntarySwitches = c.CPU.Voluntary, c.CPU.Involuntary
	return l
}

// cpuPerGiB is CPU time, in milliseconds.
func cpuPerGiB(c sendpath.Cost) float64 {
	return c.CPU.Time().Seconds() * 1e3 / float64(c.Bytes) * (1 << 30)
}

// cycles is how many a bit takes; 0: not known.
func cycles(c sendpath.Cost) float64 {
	return c.CPU.Time().Seconds() * cpu.Hertz() / float64(c.Bytes) / 8
}

// known is a figure that may not be.
func known(v float64, format string) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

// perGiBOf is a count, where there is one.
func perGiBOf(c sendpath.Cost, n uint64) string {
	if n == 0 {
		return "-"
	}
	return console.Number(int64(float64(n) / float64(c.Bytes) * (1 << 30)))
}

// plotPaths draws the CPU time of each way.
func plotPaths(name, file string, trials []*pathTrial) error {
	var bars []plot.Bar
	for _, t := range trials {
		if len(t.costs) > 0 {
			bars = append(bars, plot.Bar{Name: t.name, Value: cpuPerGiB(t.median())})
		}
	}
	svg, err := plot.Bars("CPU time of the sender, ms per GiB", "of "+file, bars)
	if err != nil {
		return err
	}
	return writeNew("the plot "+name, name, svg, 0o644)
}
