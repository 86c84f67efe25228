package server

import (
	"context"
	"errors"
	"io"

	"google.golang.org/protobuf/proto"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// link carries the engine's words over the session's stream.
type link struct{ session *session }

// Send tells the client.
func (l *link) Send(ctx context.Context, b transfer.Batch) error {
	return l.session.pipe.Send(ctx, &pb.SessionResponse{Message: &pb.SessionResponse_Batch{Batch: wire.FromBatch(b)}})
}

// Recv returns the client's next words, io.EOF for Finish, and a fault that says
// why for Abort.
func (l *link) Recv(ctx context.Context) (transfer.Batch, error) {
	m, err := l.session.recv(ctx)
	if err != nil {
		return transfer.Batch{}, ended(err)
	}
	switch r := m.GetMessage().(type) {
	case *pb.SessionRequest_Batch:
		if proto.Size(r.Batch) > 0 { // one with nothing in it is but another heartbeat
			l.session.turn.heard()
		}
		return wire.ToBatch(r.Batch, "client")
	case *pb.SessionRequest_Finish:
		return transfer.Batch{}, io.EOF
	case *pb.SessionRequest_Abort:
		return transfer.Batch{}, fault.New(fault.Interrupted, "copying", wire.ToFault(r.Abort.GetReason(), "client"), "")
	}
	return transfer.Batch{}, outOfTurn("copying", m)
}

// ended is what the end of the stream means in the middle of a transfer: to the
// engine, io.EOF is the good end.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return fault.New(fault.Interrupted, "copying", errors.New("the client hung up"), "")
	}
	return err
}
