package trace

import (
	"log/slog"
	"time"

	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// Moved is what a transfer's span says of what was done.
func Moved(r transfer.Report) []slog.Attr {
	return []slog.Attr{
		slog.Int64("entries", r.Entries), slog.Int64("files", r.Files), slog.Int64("bytes", r.Bytes), slog.Int64("chunks", r.Chunks),
		slog.Int64("retried", r.Retried), slog.Int64("kept_bytes", r.Kept), slog.Int64("resumed_bytes", r.Resumed), slog.Int64("problems", r.Problems),
	}
}

// Cost is what it says of what that took an end: how long its chunks were in each stage, all of
// them together.
func Cost(c wire.Counters) []slog.Attr {
	attrs := []slog.Attr{slog.Int("slots", c.Slots), slog.Int64("copied_bytes", int64(c.CopiedBytes+c.SocketBytes))}
	for _, s := range []struct {
		stage string
		took  time.Duration
	}{
		{"source", c.Source},
		{"map", c.Map},
		{"wire", c.Wire},
		{"sink", c.Sink},
		{"digest", c.Digest},
		{"cipher", c.Cipher},
		{"limit", c.Limit},
	} {
		attrs = append(attrs, slog.Float64(s.stage+"_seconds", s.took.Seconds()))
	}
	return attrs
}
