package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/rails"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// joinLimit is how long making another rail may take, as far as that can be bounded.
const joinLimit = 2 * time.Second

// rails are this end's rails, one for each of the client's: the one that leads there.
func (ss *session) rails(ctx context.Context) []rails.Rail {
	c, hello := ss.server.config, ss.hello
	ends := append([]transport.Endpoint{hello.Endpoint}, hello.Endpoint.More...)
	rs := make([]rails.Rail, 0, len(ends))
	for i, e := range ends {
		r := rails.Rail{Fabric: ss.carried.of(ss.fabric), Setup: ss.rail(ctx, e)}
		switch {
		case i == 0:
			r.Setup.Local = localAddr(ctx)
		case c.Device != "" || e.LinkLayer != transport.Ethernet || len(e.QPs) == 0:
			r.Fabric = none{}
		}
		rs = append(rs, r)
	}
	return rs
}

// rail is how this end of a rail is made, whose other end is e.
func (ss *session) rail(ctx context.Context, e transport.Endpoint) transport.Setup {
	hello := ss.hello
	s := transport.Setup{
		Kind: e.Kind, Device: ss.server.config.Device, Direction: hello.Direction, ChunkSize: ss.chunk,
		Slots: rails.Share(ss.slots, 1+len(hello.Endpoint.More)), QPs: e.Width(),
		Unverified: hello.Unverified, ZeroCopy: hello.ZeroCopy, TLS: encrypted(ctx),
	}
	if e.LinkLayer == transport.Ethernet {
		s.Peer = e.GID.Unmap()
	}
	return s
}

// join has a rail made in the place of one that was lost, beside what goes on over the
// others: a device may hang.
func (ss *session) join(ctx context.Context, m *pb.Rail) error {
	r, err := wire.ToRail(m)
	if err != nil {
		return err
	}
	if ss.joining.Swap(true) {
		return fault.New(fault.Protocol, "making another rail", errors.New("the client asks for two at once"), "this is a bug of the client's, or it is not rdmacp")
	}
	// The transfer that it is asked for in may end first.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), joinLimit)
	ss.joins.Go(func() {
		defer cancel()
		err := ss.answer(ctx, r)
		if fault.Panicked(err) {
			ss.cancel(err)
		} else if err != nil {
			ss.log.Debug("the client was not told of a rail", slog.Any("reason", err))
		}
	})
	return nil
}

// answer makes a rail and tells the client. That there is none is no fault: the client goes
// on without.
func (ss *session) answer(ctx context.Context, r wire.Rail) (err error) {
	defer fault.Caught(&err, "making another rail")
	answer, err := ss.replace(ctx, r)
	if err != nil {
		answer = wire.Rail{Reason: err.Error()}
	}
	ss.joining.Store(false) // ahead of the answer: the client may ask again at once
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), joinLimit)
	defer cancel()
	ss.log.Info("a rail was asked for in the place of one that was lost", slog.Int("rail", r.Lost), slog.String("device", answer.Endpoint.Device), slog.String("reason", answer.Reason))
	return ss.pipe.Send(ctx, &pb.SessionResponse{Message: &pb.SessionResponse_Rail{Rail: wire.FromRail(answer)}})
}

// replace makes this end of such a rail.
func (ss *session) replace(ctx context.Context, r wire.Rail) (answer wire.Rail, err error) {
	driver, ok := ss.driver.(rails.Replacer[transport.Driver])
	if !ok || r.None() || r.Endpoint.Kind != transport.RDMA || len(ss.hello.Endpoint.More) == 0 {
		return answer, errNoRail
	}
	pending, err := ss.carried.of(ss.fabric).PrepareDriver(ctx, ss.rail(ctx, r.Endpoint))
	if err != nil {
		return answer, err
	}
	answer.Endpoint = pending.Endpoint()
	end, err := pending.Connect(ctx, r.Endpoint)
	if err != nil {
		return answer, err
	}
	if err := driver.Replace(r.Lost, end); err != nil {
		return answer, errors.Join(err, end.Close())
	}
	return answer, nil
}

// dropped tells of a rail that is not used, or no longer.
func (ss *session) dropped(i int, why error) {
	tellStack(ss.log, why)
	ss.server.books.lostRail(ss)
	ss.log.Info("a rail is left out", slog.Int("rail", i), slog.Any("reason", why))
}

// none is the fabric of a rail that is not to be used.
type none struct{}

var errNoRail = errors.New("rdmad was told to use one device, or the client has no end of it")

// PrepareLender implements transport.Fabric.
func (none) PrepareLender(context.Context, transport.Setup) (transport.Pending[transport.Lender], error) {
	return nil, errNoRail
}

// PrepareDriver implements transport.Fabric.
func (none) PrepareDriver(context.Context, transport.Setup) (transport.Pending[transport.Driver], error) {
	return nil, errNoRail
}
