package rdmacp

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// grace is how long a last word may take to be written once the user has
// interrupted the command.
const grace = 300 * time.Millisecond

// await returns what call returns. Once ctx has ended, it waits for as long as
// grace says and then leaves the call behind: it may never come back.
func await[T any](ctx context.Context, grace time.Duration, call func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := call()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-done:
		return r.value, r.err
	case <-time.After(grace):
		var none T
		return none, interrupted(ctx)
	}
}

// interrupted is the fault of what was left behind; app.asFault has the words.
func interrupted(ctx context.Context) error {
	return fault.New(fault.Interrupted, "waiting", context.Cause(ctx), "")
}

// impatient makes of standard output and error, where they are pipes, such that do
// not keep the command from ending once the user has interrupted it: a reader that
// stands still, as a pager does, would.
func impatient(ctx context.Context, s IO) IO {
	wait := func(w io.Writer) io.Writer {
		f, ok := w.(*os.File)
		if !ok {
			return w
		}
		info, err := f.Stat()
		if err != nil || info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) == 0 {
			return w
		}
		return pipe(ctx, f)
	}
	s.Stdout, s.Stderr = wait(s.Stdout), wait(s.Stderr)
	return s
}

// pipe makes writing to w end with ctx. Once a write was left behind, the others
// fail at once.
func pipe(ctx context.Context, w io.Writer) writerFunc {
	var stuck atomic.Bool
	return func(b []byte) (int, error) {
		if stuck.Load() {
			return 0, interrupted(ctx)
		}
		b = bytes.Clone(b) // a write that is left behind has it still
		n, err := await(ctx, grace, func() (int, error) { return w.Write(b) })
		if _, left := fault.As(err); left {
			stuck.Store(true)
		}
		return n, err
	}
}

// writerFunc is an io.Writer that consists of its one method.
type writerFunc func(b []byte) (int, error)

// Write is io.Writer's.
func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
