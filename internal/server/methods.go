package server

import (
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/rdmacp/rdmacp/internal/mtls"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// methods are those that may be called, by their full names, and by whom: a method that
// is not here may be called by nobody.
var methods = map[string]func(names []string) bool{
	pb.TransferService_Session_FullMethodName: anyone,
	pb.StatusService_Watch_FullMethodName:     anyone, // what each gets to know is in watch.go
	pb.StatusService_Examine_FullMethodName:   anyone, // as in examine.go
	healthpb.Health_Check_FullMethodName:      anyone,
	healthpb.Health_List_FullMethodName:       anyone,
	healthpb.Health_Watch_FullMethodName:      anyone,
}

// anyone who was let in.
func anyone([]string) bool { return true }

func local(names []string) bool { return slices.Contains(names, mtls.Local) }

// permit refuses what a client may not call.
func permit(ctx context.Context, method string) error {
	if may, ok := methods[method]; ok && may(whoOf(ctx)) {
		return nil
	}
	return status.Error(codes.PermissionDenied, "this method is not for this client")
}

func permitUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	defer attend(ctx)()
	if err := permit(ctx, info.FullMethod); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

func permitStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	defer attend(stream.Context())()
	if err := permit(stream.Context(), info.FullMethod); err != nil {
		return err
	}
	return next(srv, stream)
}

// How many calls in a row a client may take back that it has just made, and what is just: to
// make them costs it less than the daemon (CVE-2023-44487, rapid reset), and gRPC sees to no
// more than that not too many are open.
const (
	maxRegrets = 200
	justMade   = time.Second
)

// attend is called when a call begins, and what it returns when it ends.
func attend(ctx context.Context) (ended func()) {
	begun := time.Now()
	return func() {
		p, ok := peer.FromContext(ctx)
		if !ok {
			return
		}
		info, ok := p.AuthInfo.(mtls.Peer)
		if ok && info.Regretted(errors.Is(ctx.Err(), context.Canceled) && time.Since(begun) < justMade) >= maxRegrets {
			info.HangUp()
		}
	}
}
