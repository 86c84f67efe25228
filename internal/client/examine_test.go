package client_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// oracle is a daemon that answers whatever a test wants.
type oracle struct {
	pb.UnimplementedStatusServiceServer
	answer func(ctx context.Context) (*pb.ExamineResponse, error)
}

func (o oracle) Examine(ctx context.Context, _ *pb.ExamineRequest) (*pb.ExamineResponse, error) {
	return o.answer(ctx)
}

// A daemon's clock is apart by no less than what it says of it, an older daemon's not known,
// and one that says nothing is not waited for.
func TestExamine(t *testing.T) {
	t.Parallel()
	ask := func(limit time.Duration, answer func(context.Context) (*pb.ExamineResponse, error)) (client.Examined, error) {
		o := options(serve(t, func(g *grpc.Server) { pb.RegisterStatusServiceServer(g, oracle{answer: answer}) }), nil, transport.Put)
		o.ConnectTimeout = limit
		return client.Examine(t.Context(), o, nil)
	}
	for _, ahead := range []time.Duration{-time.Hour, 0, time.Hour} {
		e, err := ask(soon, func(context.Context) (*pb.ExamineResponse, error) {
			return &pb.ExamineResponse{NowNanos: time.Now().Add(ahead).UnixNano()}, nil
		})
		must(t, err)
		if (e.Ahead-ahead).Abs() > soon || e.Ahead.Abs() > ahead.Abs() || ahead == 0 && e.Ahead != 0 {
			t.Errorf("%v ahead is taken for %v", ahead, e.Ahead)
		}
	}
	for _, c := range []codes.Code{codes.Unimplemented, codes.PermissionDenied} {
		_, err := ask(soon, func(context.Context) (*pb.ExamineResponse, error) { return nil, status.Error(c, "no") })
		if !errors.Is(err, client.ErrUnknown) {
			t.Errorf("%v: %v", c, err)
		}
	}
	_, err := ask(soon, func(context.Context) (*pb.ExamineResponse, error) {
		return &pb.ExamineResponse{Exports: make([]*pb.ReachableExport, 1000)}, nil
	})
	if fault.CodeOf(err) != fault.Protocol {
		t.Errorf("a thousand exports: %v", err)
	}
	_, err = ask(300*time.Millisecond, func(ctx context.Context) (*pb.ExamineResponse, error) { <-ctx.Done(); return nil, ctx.Err() })
	if fault.CodeOf(err) != fault.ConnectTimeout {
		t.Errorf("no answer: %v", err)
	}
}
