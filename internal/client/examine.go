package client

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// Examined is what there is at the daemon's end.
type Examined struct {
	wire.Examined
	Ahead time.Duration // of the daemon's clock, by no less than that; negative: it is behind
}

// ErrUnknown says that a daemon is older than what it was asked for.
var ErrUnknown = errors.New("the daemon's release does not know that")

// early is by how much the daemon's gRPC, which knows of the time limit, may end a call ahead of
// this end's.
const early = 50 * time.Millisecond

// Examine has the daemon say what it alone can see, and try the file system of a directory
// where at is not nil. It needs no RDMA. Its error is ErrUnknown or a fault.
func Examine(ctx context.Context, o Options, at *Target) (e Examined, err error) {
	ctx, done := context.WithTimeoutCause(ctx, o.ConnectTimeout, noAnswer(o))
	defer done()
	raw, conn, err := dial(ctx, o)
	if err != nil {
		return e, err
	}
	defer func() {
		err = errors.Join(err, conn.Close())
		_ = raw.Close() // gRPC has closed it, if it ever took it
	}()
	asked := time.Now()
	m, err := pb.NewStatusServiceClient(conn).Examine(ctx, wire.FromExamine(at))
	heard := time.Now()
	// A daemon that was not built for it knows no such method, or lets nobody call it.
	if c := status.Code(err); c == codes.Unimplemented || c == codes.PermissionDenied && len(status.Convert(err).Details()) == 0 {
		return e, ErrUnknown
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		} else if d, _ := ctx.Deadline(); time.Until(d) < early {
			err = noAnswer(o)
		}
		return e, o.explain(ctx, raw, err)
	}
	e.Examined, err = wire.ToExamined(m)
	switch {
	case e.Now.Before(asked):
		e.Ahead = e.Now.Sub(asked)
	case e.Now.After(heard):
		e.Ahead = e.Now.Sub(heard)
	}
	return e, err
}
