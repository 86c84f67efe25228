package client

import (
	"context"
	"log/slog"

	"google.golang.org/grpc/metadata"

	"github.com/rdmacp/rdmacp/internal/trace"
)

// traced has the daemon know of which span what it does is part.
func traced(ctx context.Context) context.Context {
	if p := trace.Parent(ctx); p != "" {
		return metadata.AppendToOutgoingContext(ctx, trace.Header, p)
	}
	return ctx
}

// Attrs are what spans say of the session.
func (p Peer) Attrs() []slog.Attr {
	var why, where string
	if f := p.NoRDMA; f != nil {
		why, where = f.Code.String(), "client" // its text has names in it
		if f.Host != "" {
			where = "daemon"
		}
	}
	return []slog.Attr{
		slog.String("session", p.SessionID), slog.String("transport", p.Transport.String()), slog.Bool("encrypted", p.Encrypted),
		slog.Int("rails", p.Rails), slog.Int("chunk_size", p.ChunkSize), slog.String("fallback", why), slog.String("fallback_at", where),
	}
}
