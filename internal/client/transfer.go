package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// Target names a file of the daemon's.
type Target = wire.Target

// Result is what a transfer did, as both ends counted it.
type Result struct {
	Path                   string // the file's absolute path on the daemon's host
	Bytes, Chunks, Retried int64  // whose digests matched; chunks moved again
	Elapsed                time.Duration
	Local, Remote          Counters
}

// Counters are what one end counted during a transfer.
type Counters = wire.Counters

// Put copies src to the daemon's host. progress is called with the length of
// each chunk that is done there, from several goroutines.
func (s *Session) Put(ctx context.Context, src *storage.Source, to Target, progress func(bytes int64)) (Result, error) {
	begun, before := time.Now(), s.lender.Stats()
	accept, err := s.request(ctx, &pb.SessionRequest{Message: &pb.SessionRequest_Put{Put: wire.FromPut(to, src.Meta())}})
	if err != nil {
		return Result{}, err
	}
	plan := transfer.Plan{Size: src.Meta().Size, Chunk: s.chunk}
	report, err := transfer.Send(ctx, s.lender, &lenderLink{session: s}, src, plan, s.engine(progress))
	if err == nil {
		err = src.Unchanged()
	}
	if err != nil {
		return Result{}, s.abort(ctx, err)
	}
	return s.finish(ctx, accept, report, begun, before)
}

// Get copies a file of the daemon's host into the sink that create makes once
// the daemon has said what the file is. The sink is committed here, and closed.
func (s *Session) Get(ctx context.Context, from Target, create func(storage.Meta) (*storage.Sink, error), progress func(bytes int64)) (r Result, err error) {
	begun, before := time.Now(), s.lender.Stats()
	accept, err := s.request(ctx, &pb.SessionRequest{Message: &pb.SessionRequest_Get{Get: wire.FromGet(from)}})
	if err != nil {
		return r, err
	}
	meta, err := wire.ToMeta(accept.GetMetadata())
	if err != nil {
		return r, fault.New(fault.Protocol, "reading the daemon's Accept", err, "")
	}
	sink, err := create(meta)
	if err != nil {
		return r, s.abort(ctx, err)
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	plan := transfer.Plan{Size: meta.Size, Chunk: s.chunk}
	report, err := transfer.Receive(ctx, s.lender, &lenderLink{session: s}, sink, plan, s.engine(progress))
	if err != nil {
		return r, s.abort(ctx, err)
	}
	// The daemon looks at its source once more before the name may change here.
	if r, err = s.finish(ctx, accept, report, begun, before); err != nil {
		return r, err
	}
	err = sink.Commit(ctx)
	r.Elapsed = time.Since(begun)
	return r, err
}

// request sends the request of a transfer and returns the daemon's Accept.
func (s *Session) request(ctx context.Context, m *pb.SessionRequest) (*pb.Accept, error) {
	r, err := s.exchange(ctx, m)
	if err == nil && r.GetAccept() == nil {
		err = fault.New(fault.Protocol, "starting the transfer", fmt.Errorf("the daemon said %T instead of Accept", r.GetMessage()), "")
	}
	return r.GetAccept(), err
}

// finish ends a transfer and returns what both ends counted.
func (s *Session) finish(ctx context.Context, accept *pb.Accept, report transfer.Report, begun time.Time, before transport.Stats) (Result, error) {
	m, err := s.exchange(ctx, &pb.SessionRequest{Message: &pb.SessionRequest_Finish{Finish: &pb.Finish{}}})
	if err != nil {
		return Result{}, err
	}
	if m.GetCommitted() == nil {
		return Result{}, fault.New(fault.Protocol, "ending the transfer", fmt.Errorf("the daemon said %T instead of Committed", m.GetMessage()), "")
	}
	return Result{
		Path:  string(accept.GetPath()),
		Bytes: report.Bytes, Chunks: report.Chunks, Retried: report.Retried,
		Elapsed: time.Since(begun),
		Local:   wire.CountersSince(before, s.lender.Stats()),
		Remote:  wire.ToCounters(m.GetCommitted().GetCounters()),
	}, nil
}

// exchange sends m and returns the answer, or the fault that came instead.
func (s *Session) exchange(ctx context.Context, m *pb.SessionRequest) (*pb.SessionResponse, error) {
	if err := s.pipe.Send(ctx, m); err != nil {
		return nil, s.explain(err)
	}
	r, err := s.pipe.Recv(ctx)
	if err != nil {
		return nil, s.explain(err)
	}
	if f := r.GetFault(); f != nil {
		return nil, wire.ToFault(f, s.options.Host)
	}
	return r, nil
}

// abort tells the daemon that the transfer failed at this end, and returns why.
func (s *Session) abort(ctx context.Context, err error) error {
	err = s.explain(err)
	m := &pb.SessionRequest{Message: &pb.SessionRequest_Abort{Abort: &pb.Abort{Reason: wire.FromFault(err)}}}
	// If the stream is what failed, the daemon knows.
	_ = s.pipe.Send(context.WithoutCancel(ctx), m)
	return err
}

// engine are the engine's options.
func (s *Session) engine(progress func(int64)) transfer.Options {
	return transfer.Options{Window: s.options.Slots, Progress: progress}
}

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
		return l.session.explain(err)
	}
	return nil
}

// Settlement returns the daemon's next word on a loan, or the fault by which it
// ended the transfer.
func (l *lenderLink) Settlement(ctx context.Context) (transfer.Settlement, error) {
	for len(l.settled) == 0 {
		m, err := l.session.pipe.Recv(ctx)
		if err != nil {
			return transfer.Settlement{}, l.session.explain(err)
		}
		if f := m.GetFault(); f != nil {
			return transfer.Settlement{}, wire.ToFault(f, l.session.options.Host)
		}
		if m.GetSettled() == nil {
			return transfer.Settlement{}, fault.New(fault.Protocol, "moving chunks", fmt.Errorf("the daemon said %T", m.GetMessage()), "")
		}
		if l.settled, err = wire.ToSettlements(m.GetSettled()); err != nil {
			return transfer.Settlement{}, err
		}
	}
	next := l.settled[0]
	l.settled = l.settled[1:]
	return next, nil
}
