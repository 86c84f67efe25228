package rdmacp

import (
	"io"
	"log/slog"
	"sync"
)

// messages is stderr for everything that is said while a copy runs. While there
// is a bar, lines go above it.
type messages struct {
	mu  sync.Mutex
	w   io.Writer
	bar io.Writer // nil: there is no bar
}

// redirect sends what follows by way of a bar; nil ends that.
func (m *messages) redirect(bar io.Writer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bar = bar
}

// Write writes one message.
func (m *messages) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bar != nil {
		if n, err := m.bar.Write(b); err == nil {
			return n, nil
		} // the bar ended just now
	}
	return m.w.Write(b)
}

// newLogger is the log of -v; silent without it.
func newLogger(w io.Writer, verbose int) *slog.Logger {
	if verbose == 0 {
		return slog.New(slog.DiscardHandler)
	}
	level := slog.LevelInfo
	if verbose > 1 {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
