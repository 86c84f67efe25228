package console

import (
	"errors"
	"fmt"
	"io"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// Render writes a fault as a person reads it, in three lines: what failed and
// where, why, and what to do. A fault that brings no reason or no remedy gets
// its code's own, so the three lines are always there.
func Render(w io.Writer, program string, f *fault.Error, colour bool) {
	c := Complete(f)
	what := c.What
	if c.Host != "" {
		what = c.Host + ": " + what
	}
	name, why, fix := program+":", "why:", "fix:"
	if colour {
		name, why, fix = "\x1b[1;31m"+name+"\x1b[0m", "\x1b[1m"+why+"\x1b[0m", "\x1b[1m"+fix+"\x1b[0m"
	}
	// One write, so that a line of another process cannot come between.
	_, _ = fmt.Fprintf(w, "%s %s\n  %s %s\n  %s %s\n",
		name, Escape(what), why, Escape(c.Why.Error()), fix, Escape(c.Fix))
}

// Complete returns a copy of f in which nothing is missing.
func Complete(f *fault.Error) *fault.Error {
	c := *f
	why, fix := remedy(f.Code)
	if c.What == "" {
		c.What = "failed"
	}
	if c.Why == nil || c.Why.Error() == "" {
		c.Why = errors.New(why)
	}
	if c.Fix == "" {
		c.Fix = fix
	}
	return &c
}
