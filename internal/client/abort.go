package client

import (
	"context"
	"errors"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// abortLimit bounds the wait for the daemon to let go of a transfer.
const abortLimit = 2 * time.Second

// abort ends a transfer that failed with err: it tells the daemon, unless that
// was who ended it, and waits until nothing of the transfer is left there. Then
// the session is as good as before, or known to be spent.
func (s *Session) abort(ctx context.Context, err error) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), abortLimit,
		spent(errors.New("the daemon did not say that it is done with a transfer that failed")))
	defer cancel()
	if !s.ended {
		m := &pb.SessionRequest{Message: &pb.SessionRequest_Abort{Abort: &pb.Abort{Reason: wire.FromFault(err)}}}
		_ = s.pipe.Send(ctx, m) // if the stream is what failed, hear says so
	}
	for !s.ended {
		if _, err := s.hear(ctx); err != nil && !s.ended {
			s.spent = err
			return
		}
	}
	s.takeBack()
}

// takeBack takes back what is lent still, now that the daemon has no work under
// way. A source is only read. But what was pushed into a sink may not have been
// heard of yet at this end: such a slot is good for nothing until the queue pair
// that it was lent to is dead.
func (s *Session) takeBack() {
	open := s.lender.open()
	if len(open) > 0 && s.options.Direction == transport.Get {
		s.spent = spent(errors.New("a transfer failed while memory was lent for it"))
		return
	}
	for _, e := range open {
		e.Return()
	}
}

// spent is the fault of a session that can carry no more transfers.
func spent(why error) error {
	return fault.New(fault.Interrupted, "using the session again", why, "open a new one")
}
