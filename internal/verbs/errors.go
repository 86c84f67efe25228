package verbs

import (
	"errors"
	"fmt"
	"syscall"
)

// The conditions that callers test for with errors.Is.
var (
	// ErrNotSupported reports that this build, kernel or device can't do what was asked.
	ErrNotSupported = errors.New("not supported")
	// ErrNoLibrary reports that libibverbs can't be loaded; the error that wraps it has the loader's reason.
	ErrNoLibrary = errors.New("libibverbs is not available")
	// ErrClosed reports the use of an object that was closed.
	ErrClosed = errors.New("object is closed")
	// ErrBusy reports a Close of an object that has open children; the object stays open.
	ErrBusy = errors.New("object has open children")

	// ErrFlushed matches a completion that was flushed because its QP left the RTS state.
	ErrFlushed = errors.New("work request flushed")
	// ErrRetryExceeded matches a completion whose peer did not answer.
	ErrRetryExceeded = errors.New("transport retries exceeded")
	// ErrRNRRetryExceeded matches a completion whose peer had no receive posted.
	ErrRNRRetryExceeded = errors.New("receiver-not-ready retries exceeded")
	// ErrRemoteAccess matches a completion that the peer refused: wrong rkey, range or access.
	ErrRemoteAccess = errors.New("remote access refused")
)

// Error is a verbs call that failed.
type Error struct {
	// Op is the C function.
	Op string
	// Errno is what it failed with.
	Errno syscall.Errno
	// Detail names the object or a likely cause; it may be empty.
	Detail string
}

// Error prints the call, its object and the errno's text.
func (e *Error) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("verbs: %s: %v", e.Op, e.Errno)
	}

	return fmt.Sprintf("verbs: %s: %v (%s)", e.Op, e.Errno, e.Detail)
}

// Unwrap returns the errno.
func (e *Error) Unwrap() error { return e.Errno }

// Is reports the errnos that mean "not supported" as ErrNotSupported.
func (e *Error) Is(target error) bool {
	return target == ErrNotSupported &&
		(e.Errno == syscall.ENOSYS || e.Errno == syscall.EOPNOTSUPP)
}

// CompletionError is a work request that failed.
type CompletionError struct {
	// Status says how.
	Status WCStatus
	// Op is as the device gave it; for a failed work request most devices leave it undefined.
	Op Opcode
	// WRID is the ID that the work request was posted with.
	WRID uint64
	// QPN is the local queue pair.
	QPN uint32
	// VendorErr is the device's own code.
	VendorErr uint32
}

// Error prints the status, the work request and the queue pair.
func (e *CompletionError) Error() string {
	return fmt.Sprintf("verbs: work request %#x on QP %#x: %v (vendor error %#x)", e.WRID, e.QPN, e.Status, e.VendorErr)
}

// Is matches the sentinel of the status.
func (e *CompletionError) Is(target error) bool {
	switch target {
	case ErrFlushed:
		return e.Status == WCWRFlushErr
	case ErrRetryExceeded:
		return e.Status == WCRetryExcErr
	case ErrRNRRetryExceeded:
		return e.Status == WCRNRRetryExcErr
	case ErrRemoteAccess:
		return e.Status == WCRemAccessErr
	default:
		return false
	}
}

// The C API reports failure in four ways, and each has its own constructor, so that a wrong one shows in review.

// fromNull is for calls that return NULL and set errno. The caller has seen the NULL.
func fromNull(op string, err error) error { return fromMinusOne(op, err) }

// fromMinusOne is for calls that return -1 and set errno. The caller has seen the -1.
func fromMinusOne(op string, err error) error {
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok || errno == 0 {
		errno = syscall.EIO // The provider failed without a reason.
	}

	return &Error{Op: op, Errno: errno}
}

// fromReturn is for calls that return 0 or an errno. Some providers return it negated.
func fromReturn(op string, rc int) error {
	switch {
	case rc == 0:
		return nil
	case rc < 0:
		rc = -rc
	}

	return &Error{Op: op, Errno: syscall.Errno(rc)}
}

// fromPoll is for ibv_poll_cq: a negative count is a failure and carries no errno.
func fromPoll(op string, n int) error {
	if n >= 0 {
		return nil
	}

	return &Error{Op: op, Errno: syscall.EIO}
}

// withDetail adds what the call was about to an error of the constructors above.
func withDetail(err error, detail string) error {
	if e, ok := errors.AsType[*Error](err); ok {
		e.Detail = detail
	}

	return err
}

func closedError(op string) error { return fmt.Errorf("verbs: %s: %w", op, ErrClosed) }
