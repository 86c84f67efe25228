package server_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// raw is a client that says what it likes.
type raw struct {
	conn    *grpc.ClientConn
	stream  grpc.BidiStreamingClient[pb.SessionRequest, pb.SessionResponse]
	pending transport.Pending[transport.Lender]
	lender  transport.Lender
}

// connect makes a connection for whatever service.
func (d *daemon) connect(t *testing.T) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+d.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // some tests have closed it
	return conn
}

// raw opens a stream, and says nothing on it.
func (d *daemon) raw(t *testing.T, direction transport.Direction) *raw {
	t.Helper()
	conn := d.connect(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*soon)
	t.Cleanup(cancel)
	stream, err := pb.NewTransferServiceClient(conn).Session(ctx)
	must(t, err)
	pending, err := d.fabric.PrepareLender(ctx, transport.Setup{Direction: direction, ChunkSize: chunk, Slots: slots, QPs: 1})
	must(t, err)
	t.Cleanup(func() { must(t, pending.Close()) })
	return &raw{conn: conn, stream: stream, pending: pending}
}

// hello is a Hello that is all right.
func (r *raw) hello(direction transport.Direction) *pb.Hello {
	return wire.FromHello(wire.Hello{
		Version: "raw", Endpoint: r.pending.Endpoint(), Direction: direction, ChunkSize: chunk, Slots: slots,
	})
}

// shake shakes hands as it should be.
func (d *daemon) shake(t *testing.T, direction transport.Direction) *raw {
	t.Helper()
	r := d.raw(t, direction)
	r.say(t, r.hello(direction))
	m := r.hear(t)
	welcome, err := wire.ToWelcome(m.GetWelcome(), chunk, "raw")
	must(t, err)
	r.lender, err = r.pending.Connect(t.Context(), welcome.Endpoint)
	must(t, err)
	t.Cleanup(func() { must(t, r.lender.Close()) })
	r.say(t, &pb.Ready{})
	return r
}

// say sends messages. The stream may have ended meanwhile.
func (r *raw) say(t *testing.T, messages ...any) {
	t.Helper()
	for _, m := range messages {
		_ = r.stream.Send(request(t, m))
	}
}

// request wraps what can stand in a SessionRequest; nil is an empty one.
func request(t *testing.T, m any) *pb.SessionRequest {
	t.Helper()
	switch m := m.(type) {
	case nil:
		return &pb.SessionRequest{}
	case *pb.Hello:
		return &pb.SessionRequest{Message: &pb.SessionRequest_Hello{Hello: m}}
	case *pb.Ready:
		return &pb.SessionRequest{Message: &pb.SessionRequest_Ready{Ready: m}}
	case *pb.Put:
		return &pb.SessionRequest{Message: &pb.SessionRequest_Put{Put: m}}
	case *pb.Get:
		return &pb.SessionRequest{Message: &pb.SessionRequest_Get{Get: m}}
	case *pb.Offers:
		return &pb.SessionRequest{Message: &pb.SessionRequest_Offers{Offers: m}}
	case *pb.Finish:
		return &pb.SessionRequest{Message: &pb.SessionRequest_Finish{Finish: m}}
	case *pb.Abort:
		return &pb.SessionRequest{Message: &pb.SessionRequest_Abort{Abort: m}}
	case *pb.Heartbeat:
		return &pb.SessionRequest{Message: &pb.SessionRequest_Heartbeat{Heartbeat: m}}
	}
	t.Fatalf("%T cannot be said", m)
	return nil
}

// hear returns the daemon's next message that is no heartbeat.
func (r *raw) hear(t *testing.T) *pb.SessionResponse {
	t.Helper()
	m, err := r.next()
	must(t, err)
	return m
}

func (r *raw) next() (*pb.SessionResponse, error) {
	for {
		m, err := r.stream.Recv()
		if err != nil || m.GetHeartbeat() == nil {
			return m, err
		}
	}
}

// verdict returns the fault by which the daemon ends a transfer or the session,
// whatever it says before.
func (r *raw) verdict(t *testing.T) *fault.Error {
	t.Helper()
	for {
		m, err := r.next()
		if err != nil {
			return detail(t, err)
		}
		if f := m.GetFault(); f != nil {
			return wire.ToFault(f, "")
		}
		if m.GetCommitted() != nil {
			t.Fatal("the daemon is content")
		}
	}
}

// detail is the fault in the status that ends a session.
func detail(t *testing.T, err error) *fault.Error {
	t.Helper()
	st := status.Convert(err)
	for _, d := range st.Details() {
		if f, ok := d.(*pb.Fault); ok {
			return wire.ToFault(f, "")
		}
	}
	return fault.New(fault.OK, "no fault in the status", err, "")
}

// aPut is a put of n chunks that is all right.
func aPut(n int) *pb.Put { return wire.FromPut(to("x"), meta(n)) }

func meta(n int) storage.Meta { return storage.Meta{Size: int64(n) * chunk, Mode: 0o600} }

// offer lends chunk i of data.
func (r *raw) offer(t *testing.T, data *storage.Source, i int64) *pb.Offer {
	t.Helper()
	loan, err := r.lender.LendSource(t.Context(), data, transport.Extent{Off: i * chunk, Len: chunk})
	must(t, err)
	digest, err := loan.Settle(t.Context())
	must(t, err)
	return wire.FromOffer(transfer.Offer{Chunk: i, Ticket: loan.Ticket(), Digest: digest})
}

// offers puts offers into a message.
func offers(o ...*pb.Offer) *pb.Offers { return &pb.Offers{Offers: o} }
