// Package console is what rdmacp and rdmad say to the person who started them:
// streams, faults in three lines, exit codes, the version.
package console

import (
	"io"
	"os"

	"golang.org/x/term"
)

// IO is a command's view of the world around it.
type IO struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Env    []string // environment, "KEY=value"; nil: the process's own
}

// Environ returns the environment.
func (s IO) Environ() []string {
	if s.Env == nil {
		return os.Environ()
	}
	return s.Env
}

// Getenv returns the value of an environment variable; empty if it is not set.
func (s IO) Getenv(key string) string {
	prefix := key + "="
	for _, kv := range s.Environ() {
		if len(kv) >= len(prefix) && kv[:len(prefix)] == prefix {
			return kv[len(prefix):]
		}
	}
	return ""
}

// Terminal reports whether stderr is a terminal.
func (s IO) Terminal() bool {
	f, ok := s.Stderr.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// Interactive reports whether stderr is a terminal that can move its cursor:
// progress bars and colours make sense there only.
func (s IO) Interactive() bool {
	return s.Terminal() && s.Getenv("TERM") != "dumb"
}

// Colour reports whether stderr may be coloured. See https://no-color.org.
func (s IO) Colour() bool {
	return s.Interactive() && s.Getenv("NO_COLOR") == ""
}
