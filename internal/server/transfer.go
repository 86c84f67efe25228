package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// put receives a file: the client lends its source, this end pulls.
func (ss *session) put(ctx context.Context, m *pb.Put) (err error) {
	target, meta, err := wire.ToPut(m)
	if err != nil {
		return err
	}
	if err := ss.direction(transport.Put); err != nil {
		return err
	}
	where, err := ss.server.exports.destination(target)
	if err != nil {
		return err
	}
	sink, err := where.dir.Create(where.name, meta)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	if err := ss.accept(ctx, where, meta); err != nil {
		return err
	}
	return ss.move(ctx, where, meta, sink.Commit, func(plan transfer.Plan, link transfer.DriverLink, o transfer.Options) (transfer.Report, error) {
		return transfer.Pull(ctx, steady{ss.driver, ctx}, link, sink, plan, o)
	})
}

// get sends a file: the client lends room, this end pushes.
func (ss *session) get(ctx context.Context, m *pb.Get) (err error) {
	target, err := wire.ToGet(m)
	if err != nil {
		return err
	}
	if err := ss.direction(transport.Get); err != nil {
		return err
	}
	where, err := ss.server.exports.resolve(target)
	if err != nil {
		return err
	}
	if where.name == "." {
		return fault.New(fault.NotRegular, "opening "+where.abs(), errors.New("it is a directory, not a regular file"), "name a file in it")
	}
	source, err := where.dir.Source(where.name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	if err := ss.accept(ctx, where, source.Meta()); err != nil {
		return err
	}
	unchanged := func(context.Context) error { return source.Unchanged() }
	return ss.move(ctx, where, source.Meta(), unchanged, func(plan transfer.Plan, link transfer.DriverLink, o transfer.Options) (transfer.Report, error) {
		return transfer.Push(ctx, steady{ss.driver, ctx}, link, source, plan, o)
	})
}

// direction refuses a transfer that the session was not opened for: the client's
// memory allows the other direction only.
func (ss *session) direction(d transport.Direction) error {
	if d == ss.hello.Direction {
		return nil
	}
	return fault.New(fault.Protocol, "starting a transfer", fmt.Errorf("a %s in a session that was opened for %s", d, ss.hello.Direction), "")
}

// accept tells the client that its transfer may begin.
func (ss *session) accept(ctx context.Context, where place, meta storage.Meta) error {
	return ss.pipe.Send(ctx, &pb.SessionResponse{Message: &pb.SessionResponse_Accept{Accept: &pb.Accept{
		Path: []byte(where.abs()), Metadata: wire.FromMeta(meta),
	}}})
}

// move runs one end of the engine, then what has to follow it: the commit of a
// put, the last look at the source of a get.
func (ss *session) move(ctx context.Context, where place, meta storage.Meta, after func(context.Context) error,
	engine func(transfer.Plan, transfer.DriverLink, transfer.Options) (transfer.Report, error),
) error {
	begun, before := time.Now(), ss.driver.Stats()
	link := &driverLink{session: ss}
	plan := transfer.Plan{Size: meta.Size, Chunk: ss.chunk}
	report, err := engine(plan, link, transfer.Options{Window: ss.slots})
	if err != nil {
		return err
	}
	if err := after(ctx); err != nil {
		return err
	}
	counters := wire.FromCounters(wire.CountersSince(before, ss.driver.Stats()))
	if err := ss.pipe.Send(ctx, &pb.SessionResponse{Message: &pb.SessionResponse_Committed{Committed: &pb.Committed{Counters: counters}}}); err != nil {
		return err
	}
	ss.log.Info("transfer done", slog.String("direction", ss.hello.Direction.String()),
		slog.String("export", where.Name), slog.String("path", path.Clean(where.name)),
		slog.Int64("bytes", report.Bytes), slog.Int64("chunks", report.Chunks), slog.Int64("retried", report.Retried),
		slog.Float64("seconds", time.Since(begun).Seconds()))
	return nil
}

// driverLink carries the engine's words over the session's stream.
type driverLink struct {
	session *session
	offers  []transfer.Offer // of the last message, not handed out yet
}

// Offer returns the client's next offer, io.EOF for Finish, and a fault that says
// why for Abort.
func (l *driverLink) Offer(ctx context.Context) (transfer.Offer, error) {
	for len(l.offers) == 0 {
		m, err := l.session.pipe.Recv(ctx)
		if err != nil {
			return transfer.Offer{}, ended(err)
		}
		switch r := m.GetMessage().(type) {
		case *pb.SessionRequest_Offers:
			if l.offers, err = wire.ToOffers(r.Offers); err != nil {
				return transfer.Offer{}, err
			}
		case *pb.SessionRequest_Finish:
			return transfer.Offer{}, io.EOF
		case *pb.SessionRequest_Abort:
			return transfer.Offer{}, fault.New(fault.Interrupted, "moving chunks", wire.ToFault(r.Abort.GetReason(), "client"), "")
		default:
			return transfer.Offer{}, outOfTurn("moving chunks", m)
		}
	}
	next := l.offers[0]
	l.offers = l.offers[1:]
	return next, nil
}

// ended is what the end of the stream means in the middle of a transfer: to the
// engine, io.EOF is the good end.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return fault.New(fault.Interrupted, "moving chunks", errors.New("the client hung up"), "")
	}
	return err
}

// Settle tells the client about one of its loans.
func (l *driverLink) Settle(ctx context.Context, s transfer.Settlement) error {
	return l.session.pipe.Send(ctx, &pb.SessionResponse{Message: &pb.SessionResponse_Settled{Settled: &pb.Settled{
		Settlements: []*pb.Settlement{wire.FromSettlement(s)},
	}}})
}
