package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// refuser is a daemon that ends every session with an error.
type refuser struct {
	pb.UnimplementedTransferServiceServer
	with chan error
}

func (r *refuser) Session(grpc.BidiStreamingServer[pb.SessionRequest, pb.SessionResponse]) error {
	return server.ToStatus(<-r.with)
}

// Every fault that ends a session reaches the client whole, whatever caused it.
func TestFaultsCrossWhole(t *testing.T) {
	t.Parallel()
	r := &refuser{with: make(chan error, 1)}
	g := grpc.NewServer()
	pb.RegisterTransferServiceServer(g, r)
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	served := make(chan error, 1)
	go func() { served <- g.Serve(lis) }()
	t.Cleanup(func() { g.Stop(); must(t, <-served) })
	d := daemon{addr: lis.Addr().String(), fabric: memory.New(memory.Faults{})}

	causes := []error{
		// Every code is tried with the first of them, and one code with all.
		errors.New("plain"), io.EOF, context.Canceled, context.DeadlineExceeded, nil,
		status.Error(codes.NotFound, "inner"), fault.New(fault.Busy, "inner", nil, ""),
	}
	for code := fault.Internal; code.Known(); code++ {
		for i, cause := range causes {
			if i > 0 && code != fault.IO {
				break
			}
			want := fault.New(code, fmt.Sprintf("doing %v", code), cause, "do this")
			r.with <- fmt.Errorf("wrapped: %w", errors.Join(want, errors.New("and more")))
			o := d.options(transport.Put)
			o.Transport = transport.RDMA // there is no second try
			_, err := client.Dial(t.Context(), o)
			got := failsWith(t, err, code)
			if got.Host != "there" || got.What != want.What || got.Fix != want.Fix || (got.Why == nil) != (cause == nil) ||
				(cause != nil && got.Why.Error() != cause.Error()) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		}
	}
	for _, tt := range []struct {
		err  error
		want fault.Code
	}{
		{nil, fault.Lost},
		{io.EOF, fault.Lost},
		{errors.New("oops"), fault.Internal},
		{context.Canceled, fault.Interrupted},
		{fault.New(fault.IO, "no \xff UTF-8", errors.New("\xfe"), "\xfd"), fault.IO},
		{fault.New(99, "x", nil, ""), fault.Internal},
		{status.Error(codes.DeadlineExceeded, ""), fault.Timeout},
		{status.Error(codes.Unimplemented, ""), fault.Version},
		{status.Error(codes.ResourceExhausted, ""), fault.Limit},
		{status.Error(codes.Unavailable, ""), fault.Lost},
	} {
		r.with <- tt.err
		_, err := client.Dial(t.Context(), d.options(transport.Put))
		failsWith(t, err, tt.want)
	}
}

// Every code has a status code of its own choice.
func TestStatusCodes(t *testing.T) {
	t.Parallel()
	for code := fault.Internal; code.Known(); code++ {
		st := status.Convert(server.ToStatus(fault.New(code, "x", nil, "")))
		internal := code == fault.Internal || code == fault.IO
		if st.Code() == codes.OK || st.Code() == codes.Unknown || (st.Code() == codes.Internal) != internal {
			t.Errorf("%v is %v", code, st.Code())
		}
	}
}
