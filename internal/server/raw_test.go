package server_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
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

// byUnix is connect by a unix socket.
func (d *daemon) byUnix(t *testing.T) *grpc.ClientConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	lis, err := net.Listen("unix", path)
	must(t, err)
	served := make(chan error, 1)
	go func() { served <- d.Serve(lis) }()
	conn, err := grpc.NewClient("unix:"+path, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() {
		must(t, conn.Close())
		must(t, lis.Close())
		if err := <-served; !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
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
	case *pb.Copy:
		return &pb.SessionRequest{Message: &pb.SessionRequest_Copy{Copy: m}}
	case *pb.Batch:
		return &pb.SessionRequest{Message: &pb.SessionRequest_Batch{Batch: m}}
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

// aPut is a put of a single thing that is all right.
func aPut() *pb.Copy {
	m, _ := wire.FromCopy(wire.Copy{Targets: []wire.Target{to("x")}, Naming: tree.Auto}, transport.Put)
	return m
}

// aGet is a get of whatever is in a directory that is all right.
func aGet() *pb.Copy {
	m, _ := wire.FromCopy(wire.Copy{Targets: []wire.Target{to("sub/")}, Walk: tree.WalkOptions{Recursive: true}}, transport.Get)
	return m
}

// aFile is an entry that is all right.
func aFile(id uint64, size int) *pb.Entry {
	return &pb.Entry{Id: id, Name: []byte("x"), Kind: pb.Kind_KIND_FILE, Mode: 0o600, Size: uint64(size)}
}

// one is a batch of a single file of n chunks, and nothing more.
func one(n int) *pb.Batch {
	return &pb.Batch{Entries: []*pb.Entry{aFile(1, n*chunk)}, Last: true}
}

// offer lends chunk i of the file that is entry 1.
func (r *raw) offer(t *testing.T, data []byte, i int64) *pb.Offer {
	t.Helper()
	loan, err := r.lender.LendSource(t.Context(), bytes.NewReader(data), transport.Extent{Off: i * chunk, Len: chunk})
	must(t, err)
	digest, err := loan.Settle(t.Context())
	must(t, err)
	o := wire.FromOffer(transfer.Offer{ID: i + 1, Ticket: loan.Ticket(), Digest: digest})
	o.Plain, o.Segments = nil, []*pb.Segment{{Id: 1, Offset: uint64(i * chunk), Length: chunk}}
	return o
}

// offers puts offers into a message.
func offers(o ...*pb.Offer) *pb.Batch { return &pb.Batch{Offers: o} }

// copies makes the transfer that m asks for, of nothing at all, which has to
// succeed.
func (r *raw) copies(t *testing.T, m *pb.Copy) {
	t.Helper()
	r.say(t, m)
	if got := r.hear(t); got.GetAccept() == nil {
		t.Fatalf("got %v", got)
	}
	if m.GetLand() != nil {
		r.say(t, &pb.Batch{Last: true})
		r.until(t, func(b *pb.Batch) bool { return b.GetDone() })
	} else {
		r.takeAll(t)
	}
	r.say(t, &pb.Finish{})
	if got := r.hear(t); got.GetCommitted() == nil {
		t.Fatalf("got %v", got)
	}
}

// takeAll says that it has all that it is told of.
func (r *raw) takeAll(t *testing.T) {
	t.Helper()
	r.until(t, func(b *pb.Batch) bool {
		answer := &pb.Batch{}
		for _, e := range b.GetEntries() {
			answer.Verdicts = append(answer.Verdicts, &pb.Verdict{Id: e.GetId(), Answer: pb.Answer_ANSWER_DONE})
		}
		r.say(t, answer)
		return b.GetLast()
	})
}

// until hears batches up to the one that want knows.
func (r *raw) until(t *testing.T, want func(b *pb.Batch) bool) {
	t.Helper()
	for {
		m := r.hear(t)
		if m.GetBatch() == nil {
			t.Fatalf("got %v", m)
		}
		if want(m.GetBatch()) {
			return
		}
	}
}
