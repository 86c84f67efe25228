package transfer

import (
	"context"
	"errors"
	"fmt"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// tries is how often a bundle is moved before digests that differ are a fault.
const tries = 3

// errLink marks what a link failed with, lest a bare io.EOF be taken for
// something else.
var errLink = errors.New("control connection")

// explain turns the error that ended a transfer into the fault that a user
// meets. A fault made below, where the cause was known, stays as it is.
func explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if f, ok := fault.As(err); ok {
		return f
	}
	const again = "run the same command again"
	switch {
	case errors.Is(err, transport.ErrSource):
		return fault.New(fault.IO, "reading the source", err, "")
	case errors.Is(err, transport.ErrSink):
		return fault.New(fault.IO, "writing the destination", err, "")
	case ctx.Err() != nil:
		return stopped(context.Cause(ctx))
	case errors.Is(err, transport.ErrLost):
		return fault.New(fault.Lost, "moving data", err, again)
	case errors.Is(err, errLink):
		return fault.New(fault.Lost, "talking to the other end", err, again)
	case errors.Is(err, transport.ErrClosed):
		return fault.New(fault.Interrupted, "moving data", err, again)
	}
	return fault.New(fault.Internal, "moving data", err, "")
}

// stopped is the fault of a transfer whose context ended.
func stopped(cause error) error {
	if f, ok := fault.As(cause); ok {
		return f
	}
	code := fault.Interrupted
	if errors.Is(cause, context.DeadlineExceeded) {
		code = fault.Timeout
	}
	return fault.New(code, "moving data", cause, "run the same command again")
}

// linkFailed marks an error of a link.
func linkFailed(err error) error { return fmt.Errorf("%w: %w", errLink, err) }

// broke is the fault of a peer that breaks the protocol.
func broke(format string, args ...any) error {
	return fault.New(fault.Protocol, "the other end broke the protocol", fmt.Errorf(format, args...), "")
}

// damaged is the fault of a bundle whose digests differ.
func damaged(bundle int64, read, arrived transport.Digest) error {
	return fault.New(fault.Integrity, fmt.Sprintf("chunk %d arrived damaged", bundle),
		fmt.Errorf("digest %s where it was read, %s where it arrived", read, arrived),
		"check the memory and the network of both hosts, then run the same command again")
}
