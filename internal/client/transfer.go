package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/rdmacp/rdmacp/internal/blank"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/trace"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// Target names something on the daemon's host.
type Target = wire.Target

// Job says how a copy is made. The daemon is told what concerns its end of it;
// this end's source or sink the caller has made.
type Job struct {
	Walk    tree.WalkOptions // of a get's source
	Land    tree.LandOptions // of the sink, at whichever end it is
	Naming  tree.Naming      // of a put
	Several bool             // of a put: more than one thing is sent
	Engine  transfer.Options // the session sets Chunk and Window
}

// Result is what a transfer did, as both ends counted it. After an error it holds
// what this end knows.
type Result struct {
	Path string // absolute, on the daemon's host: where the copy has landed, or where it came from
	transfer.Report
	Elapsed       time.Duration
	Local, Remote Counters
	LostRails     []string // devices of this host over which the session could not go on
	RailsBack     []string // those of them that came back
}

// Counters are what one end counted during a transfer.
type Counters = wire.Counters

// Put copies what src holds to the daemon's host. The error is what ended the
// transfer; what could not be copied by itself is counted in the Report, and told
// by j.Engine.Events.
func (s *Session) Put(ctx context.Context, src tree.Source, to Target, j Job) (Result, error) {
	c := wire.Copy{Targets: []Target{to}, Naming: j.Naming, Several: j.Several, Land: j.Land}
	return s.transfer(ctx, transport.Put, c, j, func(l *link, o transfer.Options) (transfer.Report, error) {
		return transfer.Send(ctx, s.lender, l, src, o)
	})
}

// Get copies what from names into dst, which it does not close: after an error, the
// session is to be closed ahead of it. For what it returns see Put. A daemon that sends
// what was not asked for breaks the protocol.
func (s *Session) Get(ctx context.Context, from []Target, dst tree.Sink, j Job) (Result, error) {
	c := wire.Copy{Targets: from, Walk: j.Walk, Remove: j.removes()}
	a, err := newAsked(from, j.Walk)
	if err != nil {
		return Result{}, err
	}
	return s.transfer(ctx, transport.Get, c, j, func(l *link, o transfer.Options) (transfer.Report, error) {
		o.Admit = func(e tree.Entry) error {
			if f := a.check(e); f != nil {
				return at(s.options.Host, f)
			}
			return nil
		}
		return transfer.Receive(ctx, s.lender, l, dst, o)
	})
}

// Blank moves n bytes of memory in the session's direction, with no file at either end.
func (s *Session) Blank(ctx context.Context, n int64) (Result, error) {
	return s.transfer(ctx, s.options.Direction, wire.Copy{Blank: n}, Job{}, func(l *link, o transfer.Options) (transfer.Report, error) {
		if s.options.Direction == transport.Put {
			return transfer.Send(ctx, s.lender, l, blank.Source(n), o)
		}
		return transfer.Receive(ctx, s.lender, l, blank.Sink{}, o)
	})
}

// Nowhere puts the one file that src holds, of n bytes, to a daemon that forgets it.
func (s *Session) Nowhere(ctx context.Context, src tree.Source, n int64) (Result, error) {
	return s.transfer(ctx, transport.Put, wire.Copy{Blank: n}, Job{}, func(l *link, o transfer.Options) (transfer.Report, error) {
		return transfer.Send(ctx, s.lender, l, src, o)
	})
}

// accepted waits for the daemon to accept a transfer, and returns where on its host that is.
func (s *Session) accepted(ctx context.Context) (string, error) {
	m, err := s.hear(ctx)
	if err == nil && m.GetAccept() == nil {
		err = unexpected("starting the transfer", m)
	}
	return string(m.GetAccept().GetPath()), err
}

// finish tells the daemon that all is done, and waits for its last word.
func (s *Session) finish(ctx context.Context) (Counters, error) {
	m, err := s.ask(ctx, &pb.SessionRequest{Message: &pb.SessionRequest_Finish{Finish: &pb.Finish{}}})
	if err == nil && m.GetCommitted() == nil {
		err = unexpected("ending the transfer", m)
	}
	return wire.ToCounters(m.GetCommitted().GetCounters()), err
}

// removes reports whether files that were copied are to be removed at the source:
// not where nothing is to be changed.
func (j Job) removes() bool { return j.Engine.Remove && !j.Land.DryRun && !j.verifies() }

func (j Job) verifies() bool { return j.Engine.Verify || j.Land.Verify }

// engine returns what this end's engine has to know.
func (s *Session) engine(j Job) transfer.Options {
	o := j.Engine
	o.Chunk, o.Window = s.chunk, s.options.Slots
	o.Verify, o.Remove = j.verifies(), j.removes()
	o.ReadBack = j.reads()
	o.Digest = j.digest()
	return o
}

func (j Job) reads() bool { return j.Engine.ReadBack || j.Land.ReadBack }

// digest is the algorithm of whole files' digests.
func (j Job) digest() tree.Algorithm {
	if j.Engine.Digest != tree.NoDigest {
		return j.Engine.Digest
	}
	return j.Land.Digest
}

// transfer runs one transfer: the request, the work behind the daemon's Accept,
// and the daemon's last word.
func (s *Session) transfer(ctx context.Context, d transport.Direction, c wire.Copy, j Job,
	work func(*link, transfer.Options) (transfer.Report, error),
) (r Result, err error) {
	ctx, end := trace.Begin(ctx, "transfer")
	defer func() {
		trace.Set(ctx, append(s.peer.Attrs(), slog.String("direction", d.String()))...)
		trace.Set(ctx, append(trace.Moved(r.Report), trace.Cost(r.Local)...)...)
		end(fault.CodeOf(err))
	}()
	if err := s.able(d, j); err != nil {
		return r, err
	}
	c.Digest, c.Verify, c.ReadBack = j.digest(), j.verifies(), j.reads()
	m, err := wire.FromCopy(c, d)
	if err != nil {
		return r, err
	}
	begun, before := time.Now(), wire.NewLook(s.lender.Stats())
	if err := s.pipe.Send(ctx, &pb.SessionRequest{Message: &pb.SessionRequest_Copy{Copy: m}}); err != nil {
		return r, s.explain(ctx, err) // the daemon knows of nothing
	}
	s.ended = false
	l := &link{session: s, deletes: c.Land.Delete}
	r.Path, err = trace.Step(ctx, "request", func() (string, error) { return s.accepted(ctx) })
	if err == nil {
		r.Report, err = trace.Step(ctx, "move", func() (transfer.Report, error) { return work(l, s.engine(j)) })
	}
	if err == nil {
		r.Remote, err = trace.Step(ctx, "finish", func() (Counters, error) { return s.finish(ctx) })
	}
	if err != nil {
		err = s.explain(ctx, err)
		s.abort(ctx, err)
		if l.sealed {
			err = maybeDone(err)
		}
	}
	r.Elapsed, r.LostRails, r.RailsBack = time.Since(begun), s.lostRails(), s.railsBack()
	r.Local = wire.NewLook(s.lender.Stats()).Since(before, s.options.Slots)
	return r, err
}

// able refuses a transfer that the session is not good for.
func (s *Session) able(d transport.Direction, j Job) error {
	switch {
	case s.spent != nil:
		return s.spent
	case d != s.options.Direction:
		return fault.New(fault.Internal, "starting a transfer", fmt.Errorf("a %s in a session for %s", d, s.options.Direction), "")
	case s.options.Unverified && j.reads():
		return fault.New(fault.Usage, "starting a transfer", errors.New("what is read back has no digest to be compared with"),
			"leave out either --read-back or --no-verify")
	}
	return nil
}

// maybeDone adds to the fault of a put whose end is not known that some of it may
// be complete: the daemon was told of files that it could put into place, and not
// all of its answers came.
func maybeDone(err error) error {
	f, ok := fault.As(err)
	if !ok || f.Code != fault.Lost && f.Code != fault.Interrupted && f.Code != fault.Timeout {
		return err
	}
	said := *f
	said.Why = fmt.Errorf("%w; files that were sent whole by then may be in place", f.Why)
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
	m, err := s.listen(ctx)
	return m, s.explain(ctx, err)
}

func (s *Session) listen(ctx context.Context) (*pb.SessionResponse, error) {
	m, err := s.pipe.Recv(ctx)
	if err != nil {
		return nil, err
	}
	if r := m.GetRail(); r != nil { // it may come whenever it likes
		if err := s.joined(ctx, r); err != nil {
			return nil, err
		}
		return s.listen(ctx)
	}
	if f := m.GetFault(); f != nil {
		s.ended = true
		return nil, wire.ToFault(f, s.options.Host)
	}
	s.ended = s.ended || m.GetCommitted() != nil
	return m, nil
}

// unexpected is the fault of a daemon that says something else than it has to.
func unexpected(what string, m *pb.SessionResponse) error {
	return fault.New(fault.Protocol, what, fmt.Errorf("the daemon said %s, which has no place here", wire.Said(m)), "")
}
