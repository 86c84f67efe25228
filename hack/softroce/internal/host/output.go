//go:build linux

package host

import (
	"bytes"
	"io"
	"sync"

	"github.com/rdmacp/rdmacp/hack/softroce/internal/session"
)

// output is where the guests' output goes: as it is from one guest, which go test relies on, and in whole lines with
// the node's name in front from several.
type output struct {
	stdout, stderr io.Writer
	prefix         bool
	mu             sync.Mutex
	lines          []*lineWriter
}

func newOutput(stdout, stderr io.Writer, prefix bool) *output {
	return &output{stdout: stdout, stderr: stderr, prefix: prefix}
}

// of returns the streams of one node.
func (o *output) of(node string) session.Stdio {
	if !o.prefix {
		return session.Stdio{Stdout: o.stdout, Stderr: o.stderr}
	}
	out := &lineWriter{o: o, w: o.stdout, prefix: node + "| "}
	err := &lineWriter{o: o, w: o.stderr, prefix: node + "| "}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, out, err)
	return session.Stdio{Stdout: out, Stderr: err}
}

// flush writes the lines that were never ended.
func (o *output) flush() {
	for _, w := range o.lines {
		o.mu.Lock()
		unended := len(w.rest) > 0
		o.mu.Unlock()
		if unended {
			_, _ = w.Write([]byte("\n"))
		}
	}
}

// lineWriter writes whole lines, each with a prefix.
type lineWriter struct {
	o      *output
	w      io.Writer
	prefix string
	rest   []byte
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.o.mu.Lock()
	defer w.o.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		line, rest, ok := bytes.Cut(w.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		text := append([]byte(w.prefix), line...)
		if _, err := w.w.Write(append(text, '\n')); err != nil {
			return 0, err
		}
		w.rest = bytes.Clone(rest)
	}
}
