// Package fault has the errors that a user meets: what failed and where, why,
// and what to do about it.
//
// A fault is made where the cause is known (storage knows that a disk is full,
// the transport that the peer is gone), crosses the wire whole, and is rendered
// and turned into an exit code in one place at the very end.
package fault

import (
	"errors"
	"fmt"
)

// Error is a fault.
type Error struct {
	Code Code
	Host string // where it happened, as the user named the host; empty for this one
	What string // what failed: an operation and its object, "opening /data/x"
	Why  error  // the cause
	Fix  string // what to do, in words or as a command; may be empty

	// Check is the one of rdmacp doctor that looks for the cause, by its id; empty: that of the code.
	Check string
}

// Error is the fault in one line: host, what, and why.
func (e *Error) Error() string {
	s := e.What
	if e.Host != "" {
		s = e.Host + ": " + s
	}
	if e.Why != nil {
		s = fmt.Sprintf("%s: %v", s, e.Why)
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Why }

// New makes a fault of code c: what failed, why, and what to do.
func New(c Code, what string, why error, fix string) *Error {
	return &Error{Code: c, What: what, Why: why, Fix: fix}
}

// As returns the fault in err's chain, if there is one.
func As(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// CodeOf returns the code of the fault in err's chain; Internal if there is
// none, OK for nil.
func CodeOf(err error) Code {
	if err == nil {
		return OK
	}
	if e, ok := As(err); ok {
		return e.Code
	}
	return Internal
}
