package client

import (
	"context"

	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// lenderLink carries the engine's words over the session's stream.
type lenderLink struct {
	session *Session
	settled []transfer.Settlement // of the last message, not handed out yet
}

// Offer tells the daemon of a loan.
func (l *lenderLink) Offer(ctx context.Context, o transfer.Offer) error {
	err := l.session.pipe.Send(ctx, &pb.SessionRequest{Message: &pb.SessionRequest_Offers{Offers: &pb.Offers{
		Offers: []*pb.Offer{wire.FromOffer(o)},
	}}})
	if err != nil {
		return l.session.explain(ctx, err)
	}
	return nil
}

// Settlement returns the daemon's next word on a loan, or the fault by which it
// ended the transfer.
func (l *lenderLink) Settlement(ctx context.Context) (transfer.Settlement, error) {
	for len(l.settled) == 0 {
		m, err := l.session.hear(ctx)
		if err != nil {
			return transfer.Settlement{}, err
		}
		if m.GetSettled() == nil {
			return transfer.Settlement{}, unexpected("moving chunks", m)
		}
		if l.settled, err = wire.ToSettlements(m.GetSettled()); err != nil {
			return transfer.Settlement{}, err
		}
	}
	next := l.settled[0]
	l.settled = l.settled[1:]
	return next, nil
}
