package transfer

import (
	"context"
	"errors"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Receive is the client's end of a get: it hears what the daemon has, lends room
// for what dst wants of it and sees each bundle arrive. For what it returns see
// Send, and for how to end l and dst after an error, Pull.
func Receive(ctx context.Context, l transport.Lender, link Link, dst tree.Sink, o Options) (Report, error) {
	e := newEnd(link, o)
	r := &receiver{end: e, dst: newSink(e, dst), lending: newLending(e, l)}
	r.dst.wanted = r.wanted
	err := e.run(ctx, r.hear, append(r.lending.workers(r.bundle), r.dst.add, r.dst.commit, r.finish)...)
	return e.tally.sum(), explain(ctx, err)
}

type receiver struct {
	*end
	dst     *sink
	lending *lending
}

// hear heeds the daemon's words.
func (r *receiver) hear(_ context.Context, b Batch, done bool) error {
	if done || b.Verdicts != nil || b.Offers != nil || b.Outcomes != nil || b.Removed != nil || b.Done {
		return broke("it speaks as if it had to make the files")
	}
	r.told(b)
	if err := r.dst.hear(b); err != nil {
		return err
	}
	return r.lending.settle(b.Settled)
}

// finish ends the transfer from this end.
func (r *receiver) finish(ctx context.Context) error {
	if err := r.dst.settled(ctx); err != nil {
		return err
	}
	r.lending.drain()
	if err := r.dst.finish(ctx); err != nil {
		return err
	}
	r.over()
	return nil
}

// wanted queues files.
func (r *receiver) wanted(ts []*taken) {
	ls := make([]*load, 0, len(ts))
	for _, t := range ts {
		l := newLoad(t.entry.ID, t.entry.Meta.Size, t.verdict.Ranges, t.verdict.Compare)
		r.dst.asks(t, l)
		ls = append(ls, l)
	}
	r.lending.queue.push(ls)
}

// bundle gets one bundle, again as long as other bytes arrive than the driver
// sent, or none since a rail is gone.
func (r *receiver) bundle(ctx context.Context, b *bundle) error {
	id, segments := b.id, b.segments
	if err := r.dst.reserve(ctx, segments); err != nil {
		return err
	}
	if !r.options.Verify && !r.dst.wants(segments) {
		return nil
	}
	for i := range segments {
		s := &segments[i]
		if s.Compare {
			s.Digest, s.Compare = r.dst.old(*s)
		}
	}
	if r.options.Verify {
		return r.verify(ctx, id, segments)
	}
	for try := 1; ; try++ {
		into := newScatter(r.dst, segments)
		sent, arrived, err := r.once(ctx, id, segments, into)
		switch {
		case errors.Is(err, transport.ErrRail): // there are only so many rails
			try--
			r.tally.rerouted()
		case err != nil:
			return err
		case sent == arrived:
			into.landed(arrived)
			return nil
		case try == tries:
			return damaged(id, sent, arrived)
		default:
			r.tally.damaged()
		}
		id = r.lending.queue.number() // what the other end still says of the old one is about the old one
	}
}

// verify asks whether segments are the same at both ends.
func (r *receiver) verify(ctx context.Context, id int64, segments []Segment) error {
	said, err := r.lending.ask(ctx, Offer{ID: id, Segments: segments})
	if err != nil {
		return err
	}
	r.dst.compared(segments, said.Kept)
	return nil
}

// once lends room for a bundle and waits until the driver's word and its bytes
// are both there.
func (r *receiver) once(ctx context.Context, id int64, segments []Segment, into *scatter) (sent, arrived transport.Digest, err error) {
	loan, err := r.lending.lender.LendSink(ctx, into, extent(id, segments, r.options.chunk()))
	if err != nil {
		return sent, arrived, err
	}
	said, err := r.lending.ask(ctx, Offer{ID: id, Segments: segments, Ticket: loan.Ticket()})
	switch {
	case err != nil:
		return sent, arrived, err
	case said.Lost:
		loan.Lost()
		return sent, arrived, transport.ErrRail
	case said.Again || said.Unwanted:
		return sent, arrived, broke("offer %d is answered as if it flowed the other way", id)
	}
	into.keeping(said.Kept)
	if len(said.Kept) == len(segments) { // nothing was pushed
		loan.Return()
		return sent, arrived, nil
	}
	arrived, err = loan.Settle(ctx)
	if errors.Is(err, transport.ErrRail) {
		loan.Lost()
	}
	if err != nil {
		return sent, arrived, err
	}
	loan.Return()
	return said.Digest, arrived, nil
}

// compared notes which segments are the same, where nothing is to be moved.
func (s *sink) compared(segments []Segment, kept []int) {
	same := keptBytes(segments, kept)
	next := 0
	for i, seg := range segments {
		how := differs
		if next < len(kept) && kept[next] == i {
			how, next = keeps, next+1
		}
		s.landed(seg, transport.Digest{}, how)
	}
	s.tally.moved(0, same)
}
