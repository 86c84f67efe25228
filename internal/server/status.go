package server

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// statusCodes maps faults to what gRPC's own tools and metrics understand. The
// client takes the fault itself from the status's details.
var statusCodes = map[fault.Code]codes.Code{
	fault.Usage: codes.InvalidArgument, fault.Protocol: codes.InvalidArgument,
	fault.Version:  codes.FailedPrecondition,
	fault.NotFound: codes.NotFound, fault.NotExport: codes.NotFound,
	fault.Permission: codes.PermissionDenied, fault.ReadOnly: codes.PermissionDenied, fault.Denied: codes.PermissionDenied,
	fault.Unproven:   codes.Unauthenticated,
	fault.NotRegular: codes.FailedPrecondition, fault.SourceChanged: codes.Aborted, fault.Vanished: codes.Aborted,
	fault.NoSpace: codes.ResourceExhausted, fault.Memlock: codes.ResourceExhausted, fault.Limit: codes.ResourceExhausted,
	fault.IO: codes.Internal, fault.Internal: codes.Internal,
	fault.Busy: codes.Aborted, fault.Integrity: codes.DataLoss,
	fault.NoDevice: codes.Unimplemented, fault.Path: codes.Unavailable,
	fault.Unreachable: codes.Unavailable, fault.ConnectTimeout: codes.Unavailable, fault.Lost: codes.Unavailable,
	fault.Copied: codes.FailedPrecondition, fault.Partial: codes.Aborted, fault.Timeout: codes.DeadlineExceeded, fault.Interrupted: codes.Canceled,
}

// toStatus returns the error that a session's handler ends with. A fault comes
// first, whatever its cause is: it says more than the cause alone.
func toStatus(err error) error {
	if errors.Is(err, wire.ErrSilent) {
		err = fault.New(fault.Lost, "waiting for the client", err, "see that its host and the network are up, then run the same command again")
	}
	_, isFault := fault.As(err)
	_, isStatus := status.FromError(err)
	switch {
	case isFault:
	case err == nil || errors.Is(err, io.EOF):
		return nil // the client has said all
	case isStatus:
		return err // the stream's own
	case errors.Is(err, context.Canceled):
		return status.FromContextError(err).Err()
	}
	code, ok := statusCodes[fault.CodeOf(err)]
	if !ok {
		code = codes.Internal
	}
	text := wire.Printable(err.Error(), wire.MaxText)
	st, detailErr := status.New(code, text).WithDetails(wire.FromFault(err))
	if detailErr != nil {
		return status.Error(code, text)
	}
	return st.Err()
}
