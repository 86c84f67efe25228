package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/rdmacp/rdmacp/internal/blank"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/trace"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// copy runs one transfer, in the session's direction.
func (ss *session) copy(ctx context.Context, m *pb.Copy) (err error) {
	ctx, end := trace.Begin(ctx, "transfer")
	defer func() { end(endOf(err)) }()
	c, err := wire.ToCopy(m, ss.hello.Direction)
	if err != nil {
		return err
	}
	ss.turn.limit = ss.patience(c)
	switch {
	case c.Blank > 0:
		return ss.blank(ctx, c)
	case ss.hello.Direction == transport.Put:
		return ss.put(ctx, c)
	}
	return ss.get(ctx, c)
}

// patience is how long the client may let the daemon wait in a copy; 0: as long as it likes.
func (ss *session) patience(c wire.Copy) time.Duration {
	limit := ss.server.config.StallTimeout
	if c.Digest != tree.NoDigest {
		limit *= patientFor
	}
	return limit
}

// put receives trees: the client lends its sources, this end pulls.
func (ss *session) put(ctx context.Context, c wire.Copy) (err error) {
	es, end, err := ss.reach(&c)
	if err != nil {
		return err
	}
	defer end(false)
	where, err := es.destination(c, ss.who)
	if err != nil {
		return err
	}
	limit := ss.server.shared.limit(ss.who)
	if limit.Owner != nil {
		c.Land.As, c.Land.Owner, c.Land.Group = limit.Owner, true, true
	}
	driver, leave := ss.limited(steady{ss.driver, ctx}, limit)
	defer leave()
	naming := c.Naming
	if where.contents && naming == tree.Auto {
		naming = tree.Into // what ends in a slash is a directory
	}
	store, err := where.land(naming, c.Several, c.Land)
	if err != nil {
		return err
	}
	defer func() {
		ss.quiet(ctx, err)
		err = errors.Join(err, store.Close())
	}()
	return ss.move(ctx, where, store.Path(), func(l *link) (transfer.Report, error) {
		r, err := transfer.Pull(ctx, ss.turn.driver(driver), l, ss.turn.sink(store), ss.engine(c, where))
		end(err == nil && r.Problems == 0 && !c.Land.DryRun)
		return r, err
	})
}

// quiet sees to it that nothing arrives any more for a transfer that ended with err. The
// engine lets each chunk end that it has begun, unless the session ends, or the data
// path is gone: then there are no more transfers.
func (ss *session) quiet(ctx context.Context, err error) {
	if err == nil || ctx.Err() == nil && fault.CodeOf(err) != fault.Lost && !fault.Panicked(err) {
		return
	}
	if err := ss.driver.Close(); err != nil {
		ss.log.Error("closing the data path failed", slog.Any("error", err))
	}
}

// get sends trees: the client lends room, this end pushes.
func (ss *session) get(ctx context.Context, c wire.Copy) (err error) {
	es, end, err := ss.reach(&c)
	if err != nil {
		return err
	}
	defer end(false)
	where, starts, err := es.sources(ctx, c, ss.who)
	if err != nil {
		return err
	}
	driver, leave := ss.limited(steady{ss.driver, ctx}, ss.server.shared.limit(ss.who))
	defer leave()
	walker := storage.NewWalker(starts, c.Walk)
	defer func() { err = errors.Join(err, walker.Close()) }()
	return ss.move(ctx, where, where.abs(), func(l *link) (transfer.Report, error) {
		r, err := transfer.Push(ctx, ss.turn.driver(driver), l, ss.turn.source(walker), ss.engine(c, where))
		end(err == nil && r.Problems == 0 && r.Files > 0 && !c.Verify)
		return r, err
	})
}

// blank moves memory, and no file.
func (ss *session) blank(ctx context.Context, c wire.Copy) error {
	if ss.byToken() {
		return fault.New(fault.Denied, "moving memory", errors.New("a token is for files"), "measure with an identity of your own")
	}
	driver, leave := ss.limited(steady{ss.driver, ctx}, ss.server.shared.limit(ss.who))
	defer leave()
	none := place{export: &export{}}
	return ss.move(ctx, none, "", func(l *link) (transfer.Report, error) {
		if ss.hello.Direction == transport.Put {
			return transfer.Pull(ctx, ss.turn.driver(driver), l, blank.Sink{}, ss.engine(c, none))
		}
		return transfer.Push(ctx, ss.turn.driver(driver), l, blank.Source(c.Blank), ss.engine(c, none))
	})
}

// maxWarnings is how many problems of a transfer are logged; the others are
// counted.
const maxWarnings = 20

// engine returns what this end's engine has to know.
func (ss *session) engine(c wire.Copy, where place) transfer.Options {
	left := make(chan struct{}, maxWarnings) // tokens
	for range maxWarnings {
		left <- struct{}{}
	}
	return transfer.Options{
		Chunk: ss.chunk, Window: ss.slots, Digest: c.Digest, ReadBack: c.ReadBack, Verify: c.Verify, Remove: c.Remove,
		Events: transfer.Events{Problem: func(p tree.Problem) {
			tellStack(ss.log, p.Fault)
			select {
			case <-left:
				ss.log.Warn("not copied", slog.String("export", where.Name),
					slog.String("path", wire.Printable(p.Path, wire.MaxPath)), slog.Any("error", p.Fault))
			default:
			}
		}},
	}
}

// move tells the client that its transfer may begin, runs this end of the engine,
// and tells the client that all is done.
func (ss *session) move(ctx context.Context, where place, path string, engine func(*link) (transfer.Report, error)) error {
	begun, before := time.Now(), wire.NewLook(ss.stats())
	err := ss.pipe.Send(ctx, &pb.SessionResponse{Message: &pb.SessionResponse_Accept{Accept: &pb.Accept{Path: []byte(path)}}})
	if err != nil {
		return err
	}
	ss.server.books.begin(ss, where.Name, where.within())
	stop := ss.turn.watch(ctx, ss.cancel)
	r, err := engine(&link{session: ss})
	stop()
	if where.Name != "" { // memory that is moved to see how fast it goes is no copy
		ss.server.books.transfer(ss, r, time.Since(begun), err)
	}
	cost := wire.NewLook(ss.stats()).Since(before, ss.slots)
	trace.Set(ctx, append(trace.Moved(r), trace.Cost(cost)...)...)
	attrs := []any{
		slog.String("direction", ss.hello.Direction.String()), slog.String("export", where.Name), slog.String("path", where.within()),
		slog.Int64("entries", r.Entries), slog.Int64("files", r.Files), slog.Int64("bytes", r.Bytes), slog.Int64("chunks", r.Chunks),
		slog.Int64("retried", r.Retried), slog.Int64("problems", r.Problems), slog.Float64("seconds", time.Since(begun).Seconds()),
	}
	if err != nil {
		ss.log.Info("transfer ended early", attrs...)
		return err
	}
	if err := ss.pipe.Send(ctx, &pb.SessionResponse{Message: &pb.SessionResponse_Committed{Committed: &pb.Committed{Counters: wire.FromCounters(cost)}}}); err != nil {
		return err
	}
	ss.log.Info("transfer done", attrs...)
	return nil
}
