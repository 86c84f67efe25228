package client

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// toFault makes a fault of whatever ended a session: the daemon's own fault if
// it sent one, else what gRPC says.
func toFault(err error, host string) error {
	if err == nil {
		return nil
	}
	err = goodbye(err)
	if _, ok := fault.As(err); ok {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return fault.New(fault.Interrupted, "copying", errors.New("cancelled"), "")
	}
	st, ok := status.FromError(err)
	if !ok {
		f := fault.New(fault.Internal, "copying", err, "")
		f.Host = host
		return f
	}
	for _, d := range st.Details() {
		if m, ok := d.(*pb.Fault); ok {
			return wire.ToFault(m, host)
		}
	}
	return fromStatus(st, host)
}

// fromStatus explains a status that carries no fault: the daemon is gone, or
// what answers is none.
func fromStatus(st *status.Status, host string) error {
	f := fault.New(fault.Lost, "talking to the daemon", errors.New(wire.Printable(st.Message(), wire.MaxText)),
		"see that rdmad still runs there, then run the same command again")
	f.Host = host
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
