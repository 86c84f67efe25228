// Command man writes the manual pages of rdmacp and rdmad into a folder.
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/rdmacp/rdmacp/internal/rdmacp"
	"github.com/rdmacp/rdmacp/internal/rdmad"
)

func main() {
	if len(os.Args) != 2 {
		_, _ = fmt.Fprintln(os.Stderr, "usage: man DIR")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "man:", err)
		os.Exit(1)
	}
}

// write writes the pages: those of commands in section 1, those of the daemon in 8.
func write(dir string) error {
	date := time.Unix(0, 0) // the same pages from the same sources
	for _, page := range []struct {
		command *cobra.Command
		section string
	}{{rdmacp.Command(), "1"}, {rdmad.Command(), "8"}} {
		page.command.DisableAutoGenTag = true
		tables(page.command)
		header := &doc.GenManHeader{Section: page.section, Source: "rdmacp", Manual: "rdmacp", Date: &date}
		if err := doc.GenManTreeFromOpts(page.command, doc.GenManTreeOptions{Header: header, Path: dir, CommandSeparator: "-"}); err != nil {
			return err
		}
	}
	return nil
}

// tables sees to it that what is indented in the words of a command, and of those below
// it, stays line by line: Markdown wants it to stand apart, and further in.
func tables(c *cobra.Command) {
	var b strings.Builder
	in := false
	for line := range strings.Lines(c.Long) {
		indented := strings.HasPrefix(line, " ")
		if indented != in && line != "\n" {
			b.WriteString("\n")
			in = indented
		}
		if indented {
			b.WriteString("  ")
		}
		b.WriteString(line)
	}
	c.Long = b.String()
	for _, sub := range c.Commands() {
		tables(sub)
	}
}
