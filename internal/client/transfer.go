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
	m := &pb.SessionRequest{Message: &pb.SessionRequest_Put{Put: wire.FromPut(to, src.Meta())}}
	return s.transfer(ctx, m, func(*pb.Accept) (transfer.Report, error) {
		plan := transfer.Plan{Size: src.Meta().Size, Chunk: s.chunk}
		report, err := transfer.Send(ctx, s.lender, &lenderLink{session: s}, src, plan, s.engine(progress))
		if err == nil {
			err = src.Unchanged()
		}
		return report, err
	})
}

// Get copies a file of the daemon's host into the sink that create makes once
// the daemon has said what the file is. The sink is committed here, and closed.
func (s *Session) Get(ctx context.Context, from Target, create func(storage.Meta) (*storage.Sink, error), progress func(bytes int64)) (r Result, err error) {
	begun := time.Now()
	var sink *storage.Sink
	defer func() {
		if sink != nil {
			err = errors.Join(err, sink.Close())
		}
	}()
	m := &pb.SessionRequest{Message: &pb.SessionRequest_Get{Get: wire.FromGet(from)}}
	r, err = s.transfer(ctx, m, func(accept *pb.Accept) (report transfer.Report, err error) {
		meta, err := wire.ToMeta(accept.GetMetadata())
		if err != nil {
			return report, fault.New(fault.Protocol, "reading the daemon's Accept", err, "")
		}
		if sink, err = create(meta); err != nil {
			return report, err
		}
		plan := transfer.Plan{Size: meta.Size, Chunk: s.chunk}
		return transfer.Receive(ctx, s.lender, &lenderLink{session: s}, sink, plan, s.engine(progress))
	})
	if err != nil {
		return r, err
	}
	// The daemon has looked at its source once more: the name may change here.
	err = sink.Commit(ctx)
	r.Elapsed = time.Since(begun)
	return r, err
}

// transfer runs one transfer: the request, the work between the daemon's Accept
// and Finish, and the daemon's last word.
func (s *Session) transfer(ctx context.Context, request *pb.SessionRequest, work func(*pb.Accept) (transfer.Report, error)) (Result, error) {
	if s.spent != nil {
		return Result{}, s.spent
	}
	begun, before := time.Now(), s.lender.Stats()
	if err := s.pipe.Send(ctx, request); err != nil {
		return Result{}, s.explain(ctx, err) // the daemon knows of nothing
	}
	s.ended = false
	accept, err := s.hear(ctx)
	if err == nil && accept.GetAccept() == nil {
		err = unexpected("starting the transfer", accept)
	}
	var report transfer.Report
	if err == nil {
		report, err = work(accept.GetAccept())
	}
	var last *pb.SessionResponse
	asked := err == nil // the daemon to commit
	if asked {
		last, err = s.ask(ctx, &pb.SessionRequest{Message: &pb.SessionRequest_Finish{Finish: &pb.Finish{}}})
	}
	if err == nil && last.GetCommitted() == nil {
		err = unexpected("ending the transfer", last)
	}
	if err != nil {
		err = s.explain(ctx, err)
		s.abort(ctx, err)
		if asked && s.options.Direction == transport.Put {
			err = maybeDone(err)
		}
		return Result{}, err
	}
	return Result{
		Path:  string(accept.GetAccept().GetPath()),
		Bytes: report.Bytes, Chunks: report.Chunks, Retried: report.Retried,
		Elapsed: time.Since(begun),
		Local:   wire.CountersSince(before, s.lender.Stats()),
		Remote:  wire.ToCounters(last.GetCommitted().GetCounters()),
	}, nil
}

// maybeDone adds to the fault of a put whose end is not known that its file may
// be complete: the daemon was asked to commit, and its answer did not come.
func maybeDone(err error) error {
	f, ok := fault.As(err)
	if !ok || f.Code != fault.Lost && f.Code != fault.Interrupted && f.Code != fault.Timeout {
		return err
	}
	said := *f
	said.Why = fmt.Errorf("%w; all was sent by then, so the new file may be in place", f.Why)
	return &said
}

// ask sends m and returns the answer.
func (s *Session) ask(ctx context.Context, m *pb.SessionRequest) (*pb.SessionResponse, error) {
	if err := s.pipe.Send(ctx, m); err != nil {
		return nil, s.explain(ctx, err)
	}
	return s.hear(ctx)
}

// hear returns the daemon's next message, or the fault that came instead. Either
// Committed or a Fault is the last that the daemon says of a transfer.
func (s *Session) hear(ctx context.Context) (*pb.SessionResponse, error) {
	m, err := s.pipe.Recv(ctx)
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	if f := m.GetFault(); f != nil {
		s.ended = true
		return nil, wire.ToFault(f, s.options.Host)
	}
	s.ended = s.ended || m.GetCommitted() != nil
	return m, nil
}

// engine are the engine's options.
func (s *Session) engine(progress func(int64)) transfer.Options {
	return transfer.Options{Window: s.options.Slots, Progress: progress}
}

// unexpected is the fault of a daemon that says something else than it has to.
func unexpected(what string, m *pb.SessionResponse) error {
	return fault.New(fault.Protocol, what, fmt.Errorf("the daemon said %s, which has no place here", wire.Said(m)), "")
}
