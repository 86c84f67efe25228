package transfer

import (
	"context"
	"errors"
	"io"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Send is the client's end of a put: it tells of what src holds, lends what is
// wanted of it and sees each bundle settled. What could not be copied is told by
// o.Events and counted in the Report; the error is what ended the transfer. After
// one the connection is good for nothing but Close: loans whose fate is unknown
// keep their slots until then.
func Send(ctx context.Context, l transport.Lender, link Link, src tree.Source, o Options) (Report, error) {
	e := newEnd(link, o)
	s := &sender{end: e, src: newSource(e, src), lending: newLending(e, l), done: make(chan struct{})}
	err := e.run(ctx, s.hear, append(s.lending.workers(s.bundle), s.src.walk, s.finish)...)
	s.src.close()
	return e.tally.sum(), explain(ctx, err)
}

type sender struct {
	*end
	src     *source
	lending *lending
	done    chan struct{} // closed once the daemon has said that all is done
}

// finish ends the transfer once the daemon has.
func (s *sender) finish(ctx context.Context) error {
	select {
	case <-s.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.lending.drain()
	s.over()
	return nil
}

// hear heeds the daemon's words.
func (s *sender) hear(_ context.Context, b Batch, done bool) error {
	if done || isClosed(s.done) && b.Settled == nil {
		return broke("it speaks when all was done")
	}
	if b.Entries != nil || b.Seals != nil || b.Offers != nil {
		return broke("it speaks as if it had the files")
	}
	s.told(b)
	if err := s.verdicts(b.Verdicts); err != nil {
		return err
	}
	if err := s.lending.settle(b.Settled); err != nil {
		return err
	}
	for _, o := range b.Outcomes {
		if err := s.src.outcome(o); err != nil {
			return err
		}
	}
	if b.Done {
		close(s.done)
		return s.src.complete()
	}
	return nil
}

// verdicts queues the files that are wanted.
func (s *sender) verdicts(vs []tree.Verdict) error {
	wanted := make([]*load, 0, len(vs))
	for _, v := range vs {
		g, err := s.src.verdict(v)
		if err != nil {
			return err
		}
		if g == nil {
			continue
		}
		l := newLoad(v.ID, g.entry.Meta.Size, v.Ranges, v.Compare)
		if l.size == tree.Streamed {
			l.stream = &stream{given: g, hash: s.options.Digest.New()}
		}
		g.load = l // nobody else has g yet
		wanted = append(wanted, l)
	}
	s.lending.queue.push(wanted)
	return nil
}

// bundle reads a bundle, and lends it unless nothing of it could be read.
func (s *sender) bundle(ctx context.Context, b *bundle) error {
	if b.stream != nil {
		return s.stream(ctx, b.id, b.stream)
	}
	id, segments := b.id, b.segments
	from := gather{s.src, segments}
	if s.options.Verify {
		_, _ = from.ReadAt(make([]byte, length(segments)), 0) // it does not fail
		said, err := s.lending.ask(ctx, Offer{ID: id, Segments: segments})
		if err == nil {
			s.tally.moved(0, keptBytes(segments, said.Kept))
		}
		return err
	}
	return s.lend(ctx, id, segments, from)
}

// lend lends a bundle, anew as long as the driver finds other bytes than were read.
// What was lent where it lies may have been written to meanwhile: from the second
// time on it is copied, so that what is offered stays as it is.
func (s *sender) lend(ctx context.Context, id int64, segments []Segment, from io.ReaderAt) error {
	for try := 1; ; try++ {
		said, digest, err := s.once(ctx, id, segments, from)
		kept := keptBytes(segments, said.Kept)
		switch {
		case err != nil:
			return err
		case said.Lost: // there are only so many rails
			try--
			s.tally.rerouted()
			continue
		case said.Unwanted:
			s.src.unwanted(segments)
			return nil
		case kept == int64(length(segments)), !said.Again && said.Digest == digest:
			s.tally.moved(solid(segments)-kept, kept)
			return nil
		case !said.Again || try == tries: // the driver contents itself with other bytes, or gets no right ones
			return damaged(id, digest, said.Digest)
		}
		s.tally.damaged()
		from = copied{from}
	}
}

// copied is a source that is always read.
type copied struct{ io.ReaderAt }

// once lends a bundle, and gives it back once the driver has settled it.
func (s *sender) once(ctx context.Context, id int64, segments []Segment, from io.ReaderAt) (said Settlement, digest transport.Digest, err error) {
	loan, err := s.lending.lender.LendSource(ctx, from, extent(id, segments, s.options.chunk()))
	if err != nil {
		return said, digest, err
	}
	digest, err = loan.Settle(ctx)
	if errors.Is(err, transport.ErrRail) {
		loan.Lost()
		return Settlement{Lost: true}, digest, nil
	}
	if err != nil {
		return said, digest, err
	}
	if said, err = s.lending.ask(ctx, Offer{ID: id, Segments: segments, Ticket: loan.Ticket(), Digest: digest}); err != nil {
		return said, digest, err
	}
	giveBack(loan, said)
	return said, digest, nil
}

// giveBack ends a loan that is settled.
func giveBack(loan transport.Loan, said Settlement) {
	if said.Lost {
		loan.Lost()
		return
	}
	loan.Return()
}

// keptBytes is how many bytes are in the segments that are kept.
func keptBytes(segments []Segment, kept []int) int64 {
	var n int64
	for _, i := range kept {
		n += segments[i].Len
	}
	return n
}
