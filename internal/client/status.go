package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// explain adds where it happened, and makes a fault of what is none.
func (s *Session) explain(ctx context.Context, err error) error {
	return s.options.explain(ctx, s.raw, err)
}

// explain is that of what has come over a connection.
func (o Options) explain(ctx context.Context, raw net.Conn, err error) error {
	if f := o.unproven(raw); f != nil && err != nil {
		return f
	}
	return toFault(ctx, err, o.Host)
}

// toFault makes a fault of whatever ended a call under ctx: the daemon's own
// fault if it sent one, else what gRPC says, else what ended ctx. What is a fault
// already is left as it is, whatever its cause.
func toFault(ctx context.Context, err error, host string) error {
	if _, ok := fault.As(err); ok || err == nil {
		return err
	}
	if errors.Is(err, wire.ErrSilent) {
		return at(host, fault.New(fault.Lost, "waiting for the daemon", err,
			"see that its host and the network are up, then run the same command again"))
	}
	if errors.Is(err, io.EOF) {
		return at(host, fault.New(fault.Lost, "waiting for the daemon", errors.New("it ended the session"), "see its log"))
	}
	if st, ok := status.FromError(err); ok {
		for _, d := range st.Details() {
			if m, ok := d.(*pb.Fault); ok {
				return wire.ToFault(m, host)
			}
		}
		return fromStatus(st, host)
	}
	if why, ok := fault.As(context.Cause(ctx)); ok && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		return why // whoever set the limit has words for it
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.Timeout, "copying", errors.New("it took too long"), "run the same command again, with more time")
	case errors.Is(err, context.Canceled), ctx.Err() != nil:
		return fault.New(fault.Interrupted, "copying", err, "run the same command again")
	}
	return at(host, fault.New(fault.Internal, "copying", err, ""))
}

// at is f, as one that happened on host.
func at(host string, f *fault.Error) *fault.Error {
	f.Host = host
	return f
}

// fromStatus explains a status that carries no fault: the daemon is gone, or
// what answers is none.
func fromStatus(st *status.Status, host string) error {
	f := at(host, fault.New(fault.Lost, "talking to the daemon", errors.New(wire.Printable(st.Message(), wire.MaxText)),
		"see that rdmad still runs there, then run the same command again"))
	switch st.Code() {
	case codes.Unimplemented:
		f.Code = fault.Version
		f.Why = fmt.Errorf("what listens there is no rdmad of this protocol: %w", f.Why)
		f.Fix = "check the port, and install the same release of rdmacp on both hosts"
	case codes.Canceled:
		f.Code = fault.Interrupted
	case codes.DeadlineExceeded:
		f.Code = fault.Timeout
	case codes.ResourceExhausted:
		f.Code = fault.Limit
	case codes.Unavailable:
		f.Why = errors.New("the connection broke: the daemon, its host or the network went away")
	case codes.OK, codes.Unknown, codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied,
		codes.FailedPrecondition, codes.Aborted, codes.OutOfRange, codes.Internal, codes.DataLoss, codes.Unauthenticated:
	}
	return f
}
