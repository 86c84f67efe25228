package server

import (
	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// Insight is a gRPC server for those who run the daemon: what it does and how it is, and reflection,
// which tells tools what there is to call. It moves no files. It is for a listener that others do
// not reach; who serves it stops it.
func (s *Server) Insight() *grpc.Server {
	g := grpc.NewServer(
		grpc.Creds(mtls.Credentials()),
		grpc.ChainUnaryInterceptor(catchUnary(s.log)),
		grpc.ChainStreamInterceptor(catchStream(s.log)),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxRecvMsgSize(wire.MaxMessage),
		grpc.MaxHeaderListSize(maxHeaders),
		grpc.ConnectionTimeout(connectionTimeout),
	)
	pb.RegisterStatusServiceServer(g, s)
	healthpb.RegisterHealthServer(g, s.health)
	reflection.Register(g)
	return g
}
