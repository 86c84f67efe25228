package server

import (
	"context"

	"google.golang.org/grpc/metadata"

	"github.com/rdmacp/rdmacp/internal/trace"
)

// traced begins the span of a session, below the one that its client has named.
func (s *Server) traced(ctx context.Context) (context.Context, trace.End) {
	var parent string
	if said := metadata.ValueFromIncomingContext(ctx, trace.Header); len(said) == 1 {
		parent = said[0]
	}
	return s.config.Traces.Serve(ctx, "session", parent)
}
