package fault

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
)

// PanicError is the cause of a fault that was a panic.
type PanicError struct {
	Value any
	stack string
	told  atomic.Bool
}

// Error is what the panic was given.
func (p *PanicError) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Caught is to be deferred, and makes a fault of a panic: a bug that one copy has met ends that copy,
// and not those of everybody else in the process. What failed is said in the words of
// New. It is for the top of a goroutine, and for where others are served; whoever calls
// it gives up what it has worked on.
func Caught(err *error, what string) {
	v := recover()
	if v == nil {
		return
	}
	*err = New(Internal, what, &PanicError{Value: v, stack: string(debug.Stack())}, "this is a bug: please report it, with the log of that host")
}

// Panicked reports whether err comes of a panic.
func Panicked(err error) bool {
	var p *PanicError
	return errors.As(err, &p)
}

// Stack returns where the panic was that err comes of; nothing if it comes of none, and
// nothing the second time: it is for one place of one log.
func Stack(err error) string {
	var p *PanicError
	if !errors.As(err, &p) || p.told.Swap(true) {
		return ""
	}
	return p.stack
}
