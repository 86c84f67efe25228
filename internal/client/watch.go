package client

import (
	"context"
	"errors"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// Watch has the daemon say what it does, again and again, and shows each answer to see,
// until ctx or the connection ends, or see fails: with that error. It needs no RDMA.
func Watch(ctx context.Context, o Options, every time.Duration, see func(wire.Snapshot) error) (err error) {
	limit, done := context.WithTimeoutCause(ctx, o.ConnectTimeout, noAnswer(o))
	defer done()
	raw, conn, err := dial(limit, o)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, conn.Close())
		_ = raw.Close() // gRPC has closed it, if it ever took it
	}()
	streamCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// What listens there may say nothing: then it is given up.
	stop := context.AfterFunc(limit, func() { cancel(context.Cause(limit)) })
	stream, err := pb.NewStatusServiceClient(conn).Watch(streamCtx, &pb.WatchRequest{IntervalMillis: uint32(every.Milliseconds())})
	for err == nil {
		var m *pb.WatchResponse
		if m, err = stream.Recv(); err != nil {
			break
		}
		stop()
		var s wire.Snapshot
		if s, err = wire.ToSnapshot(m); err != nil {
			break
		}
		if err := see(s); err != nil {
			return err
		}
	}
	switch cause := context.Cause(streamCtx); {
	case ctx.Err() != nil:
		return fault.New(fault.Interrupted, "watching the daemon", context.Cause(ctx), "")
	case cause != nil:
		return cause
	}
	return o.explain(ctx, raw, err)
}
