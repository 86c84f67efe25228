// Command plot draws the table that bench/rates has made: the medians, from stdin, as SVG on stdout.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/rdmacp/rdmacp/internal/plot"
)

func main() {
	if err := draw(os.Stdin, os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "plot:", err)
		os.Exit(1)
	}
}

// draw reads a table of Markdown, and what is said of it ahead of it.
func draw(in io.Reader, out io.Writer) error {
	var said string
	var bars []plot.Bar
	for lines := bufio.NewScanner(in); lines.Scan(); {
		line := lines.Text()
		if said == "" {
			said, _, _ = strings.Cut(line, ",")
		}
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		if median, err := strconv.ParseFloat(strings.TrimSpace(cells[2]), 64); err == nil {
			bars = append(bars, plot.Bar{Name: strings.TrimSpace(cells[1]), Value: median})
		}
	}
	if len(bars) == 0 {
		return fmt.Errorf("there is no table of medians in it")
	}
	svg, err := plot.Bars("MB/s, medians", said, bars)
	if err != nil {
		return err
	}
	_, err = out.Write(svg)
	return err
}
