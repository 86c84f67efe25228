package server

import (
	"context"

	"google.golang.org/grpc/peer"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/sealed"
)

// seal has what goes by RDMA encrypted, if the client has asked for it. TCP is under TLS
// itself.
func (ss *session) seal(ctx context.Context) error {
	const what = "encrypting what is moved"
	ss.fabric = ss.server.config.Fabric
	auth := authOf(ctx)
	switch {
	case !ss.hello.Encrypt:
		return nil
	case !auth.TLS:
		return fault.New(fault.Usage, what, mtls.ErrNoTLS, "start rdmad with certificates (docs/security.md), or do without --encrypt")
	case ss.hello.Endpoint.Kind != transport.RDMA:
		return nil
	}
	f, err := sealed.Keyed(ss.fabric, auth.Key)
	if err != nil {
		return fault.New(fault.Internal, what, err, "")
	}
	ss.fabric = f
	return nil
}

// encrypted reports whether the client's connections are under TLS.
func encrypted(ctx context.Context) bool { return authOf(ctx).TLS }

// authOf is what the client has proved.
func authOf(ctx context.Context) (info mtls.Peer) {
	if p, ok := peer.FromContext(ctx); ok {
		info, _ = p.AuthInfo.(mtls.Peer)
	}
	return info
}
