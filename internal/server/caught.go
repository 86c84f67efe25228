package server

import (
	"context"
	"log/slog"

	"google.golang.org/grpc"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// tellStack logs where the panic was that err comes of, if it does and nobody has yet.
func tellStack(log *slog.Logger, err error) {
	if stack := fault.Stack(err); stack != "" {
		log.Error("a panic was caught", slog.Any("error", err), slog.String("stack", stack))
	}
}

// catchUnary has a call that panics fail, and the daemon go on. So has catchStream.
func catchUnary(log *slog.Logger) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (answer any, err error) {
		defer func() {
			if fault.Panicked(err) {
				tellStack(log, err)
				err = toStatus(err)
			}
		}()
		defer fault.Caught(&err, "serving "+info.FullMethod)
		return next(ctx, req)
	}
}

func catchStream(log *slog.Logger) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
		defer func() {
			if fault.Panicked(err) {
				tellStack(log, err)
				err = toStatus(err)
			}
		}()
		defer fault.Caught(&err, "serving "+info.FullMethod)
		return next(srv, stream)
	}
}
