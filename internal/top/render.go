package top

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/charmbracelet/x/ansi"

	"github.com/rdmacp/rdmacp/internal/console"
)

// barWidth is how many letters show the stages.
const barWidth = 12

// Render is the board as lines of a width, of which there are as many as there is room for;
// 0 is any number. Nothing in it steers a terminal.
func (b *Board) Render(width, height int) []string {
	lines := []string{b.headline()}
	if height > 0 { // where it is shown again and again
		lines = append(lines, sparkline(b.rates, max(10, min(looks, width-30))))
	}
	lines = append(lines, "")
	table := b.table()
	tail := b.tail(len(table) - 1)
	room := len(table)
	if height > 0 {
		room = max(0, min(room, height-len(lines)-len(tail)))
	}
	lines = append(append(lines, table[:room]...), tail...)
	for i, line := range lines {
		if width > 0 {
			lines[i] = ansi.Truncate(line, width, "…")
		}
	}
	if height > 0 {
		lines = lines[:min(len(lines), height)]
	}
	return lines
}

// headline is what the daemon does as a whole.
func (b *Board) headline() string {
	return fmt.Sprintf("rdmad %s at %s · %s · %s moved · %s", console.Escape(b.now.Version), console.Escape(b.Host),
		console.Count(int64(b.now.Open), "session", "sessions"), console.Bytes(int64(min(b.now.Bytes, math.MaxInt64))), console.Rate(b.rate))
}

// blocks are the eighths of a column.
var blocks = []rune("▁▂▃▄▅▆▇█")

// sparkline shows rates, the last one at the right, beside the highest.
func sparkline(rates []float64, width int) string {
	rates = rates[max(0, len(rates)-width):]
	if len(rates) == 0 {
		return ""
	}
	peak := slices.Max(rates)
	var s strings.Builder
	for _, r := range rates {
		i := 0
		if peak > 0 {
			i = int(r / peak * float64(len(blocks)-1))
		}
		s.WriteRune(blocks[min(max(i, 0), len(blocks)-1)])
	}
	return fmt.Sprintf("%s  at most %s", s.String(), console.Rate(peak))
}

// table is a headline and a line for each session.
func (b *Board) table() []string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "SESSION\tWHO\tFROM\tWAY\tRATE\tMOVED\tFOR\tBY A CPU\tSTAGES\tWHERE")
	for _, r := range b.rows() {
		copied := "-"
		if r.moved {
			copied = fmt.Sprintf("%.0f %%", r.copied*100)
		}
		where := "-"
		if r.Export != "" || r.Path != "" {
			where = path.Join(r.Export, r.Path)
		}
		_, _ = fmt.Fprintln(w, strings.Join([]string{
			console.Escape(r.ID), console.Escape(r.Identity), console.Escape(r.Peer), r.Direction.String() + " by " + r.Transport + " " + console.Escape(r.Device),
			console.Rate(r.rate), console.Bytes(int64(min(r.Stats.Bytes, math.MaxInt64))), console.Duration(r.Age), copied, bar(r.shares), console.Escape(where),
		}, "\t"))
	}
	_ = w.Flush() // into memory
	return strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
}

// bar shows what share of its chunks' time a session has spent in each stage, by letters.
func bar(shares [len(stages)]float64) string {
	var letters []byte
	sum := 0.0
	for i, share := range shares {
		sum += share
		for len(letters) < int(math.Round(sum*barWidth)) {
			letters = append(letters, stages[i].letter)
		}
	}
	if len(letters) == 0 {
		return strings.Repeat("·", barWidth)
	}
	return string(letters)
}

// tail is what there is to say below the table.
func (b *Board) tail(shown int) []string {
	lines := []string{""}
	if more := b.now.Open - shown; more > 0 {
		lines = append(lines, fmt.Sprintf("%s of others: rdmad's configuration says who may see them (operators)", console.Count(int64(more), "session is", "sessions are")))
	}
	legend := make([]string, 0, len(stages))
	for _, s := range stages {
		legend = append(legend, fmt.Sprintf("%c %s", s.letter, s.name))
	}
	return append(lines, "stages: "+strings.Join(legend, ", "))
}
