package client

import (
	"context"
	"fmt"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// link carries the engine's words over the session's stream.
type link struct {
	session *Session
	sealed  bool // the daemon was told of files that it may put into place
	deletes bool // it may remove others
}

// Send tells the daemon.
func (l *link) Send(ctx context.Context, b transfer.Batch) error {
	l.sealed = l.sealed || len(b.Seals) > 0
	err := l.session.pipe.Send(ctx, &pb.SessionRequest{Message: &pb.SessionRequest_Batch{Batch: wire.FromBatch(b)}})
	if err != nil {
		return l.session.explain(ctx, err)
	}
	return nil
}

// Recv returns the daemon's next words, or the fault by which it ended the
// transfer. What ended ctx stays as it is: the engine hangs up by it.
func (l *link) Recv(ctx context.Context) (transfer.Batch, error) {
	m, err := l.session.listen(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return transfer.Batch{}, err
	case err != nil:
		return transfer.Batch{}, l.session.explain(ctx, err)
	case m.GetBatch() == nil:
		return transfer.Batch{}, unexpected("copying", m)
	}
	b, err := wire.ToBatch(m.GetBatch(), l.session.options.Host)
	if err == nil && len(b.Removed) > 0 && !l.deletes {
		err = at(l.session.options.Host, fault.New(fault.Protocol, "the daemon removes what it was not asked to",
			fmt.Errorf("%.256q: this copy was to remove nothing", b.Removed[0]), "find out what runs there, and what is left there"))
	}
	return b, err
}
