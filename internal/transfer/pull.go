package transfer

import (
	"context"
	"errors"
	"sync"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Pull is the daemon's end of a put: it hears what the client has, and pulls what
// dst wants of it. For what it returns see Send. After an error, files may be in the
// making still: closing d and then dst ends them, in this order, lest something arrive
// late where another copy goes on.
func Pull(ctx context.Context, d transport.Driver, link Link, dst tree.Sink, o Options) (Report, error) {
	e := newEnd(link, o)
	p := &puller{end: e, dst: newSink(e, dst), driving: newDriving(e, d), done: make(chan struct{}), misses: map[int64]int{}}
	err := e.run(ctx, p.hear, p.dst.add, p.dst.commit, p.finish,
		func(ctx context.Context) error { return p.driving.work(ctx, p.one) })
	return e.tally.sum(), explain(ctx, err)
}

type puller struct {
	*end
	dst     *sink
	driving *driving
	done    chan struct{} // closed once nothing is left to do here

	mu     sync.Mutex
	misses map[int64]int // times that an offer's digests differed, if they did
}

// finish does what comes last and tells the client. What it has offered is worked
// on until the client has heard.
func (p *puller) finish(ctx context.Context) error {
	if err := p.dst.settled(ctx); err != nil {
		return err
	}
	if err := p.dst.finish(ctx); err != nil {
		return err
	}
	close(p.done) // ahead of the word: the answer may be here at once
	p.out.add(func(b *Batch) { b.Done = true })
	return nil
}

// hear heeds the client's words.
func (p *puller) hear(ctx context.Context, b Batch, done bool) error {
	if done {
		if !isClosed(p.done) {
			return broke("it says that all is done, and it is not")
		}
		p.driving.noMore()
		return nil
	}
	if b.Verdicts != nil || b.Settled != nil || b.Outcomes != nil || b.Removed != nil || b.Done {
		return broke("it speaks as if it had to make the files")
	}
	p.told(b)
	if err := p.dst.hear(b); err != nil {
		return err
	}
	return p.driving.hear(ctx, b.Offers)
}

// one pulls what is offered. What has become of it has to be noted before the
// lender is told, who may answer with the next offer at once.
func (p *puller) one(ctx context.Context, o Offer) error {
	for _, s := range o.Segments {
		if t := p.dst.find(s.ID); t != nil && t.entry.Meta.Size != tree.Streamed && s.End() > t.entry.Meta.Size {
			return broke("bytes up to %d are offered of %q, which has %d", s.End(), t.path, t.entry.Meta.Size)
		}
	}
	if err := p.dst.reserve(ctx, o.Segments); err != nil {
		return err
	}
	if o.Ticket.Len > 0 && !p.dst.wants(o.Segments) {
		p.driving.settle(Settlement{ID: o.ID, Unwanted: true})
		return nil
	}
	into := newScatter(p.dst, o.Segments)
	same := compare(o.Segments, p.dst.old)
	switch {
	case o.Ticket.Len == 0:
		if !p.options.Verify {
			return broke("offer %d lends nothing", o.ID)
		}
		p.dst.compared(o.Segments, same)
		p.driving.settle(Settlement{ID: o.ID, Kept: same})
		return nil
	case p.options.Verify:
		return broke("offer %d lends what is only to be compared", o.ID)
	case len(same) == len(o.Segments):
		into.keeping(same)
		into.landed(transport.Digest{})
		p.driving.settle(Settlement{ID: o.ID, Kept: same})
		return nil
	}
	into.keeping(same)
	got, err := p.driving.driver.Pull(ctx, o.Ticket, into, extent(o.ID, o.Segments, p.options.chunk()))
	if errors.Is(err, transport.ErrRail) {
		p.tally.rerouted()
		p.dst.yield(o.Segments)
		p.driving.settle(Settlement{ID: o.ID, Lost: true})
		return nil
	}
	if err != nil {
		return err
	}
	if got == o.Digest {
		into.landed(got)
		p.driving.settle(Settlement{ID: o.ID, Digest: got, Kept: same})
		return nil
	}
	if p.miss(o.ID) == tries {
		return damaged(o.ID, o.Digest, got)
	}
	p.tally.damaged()
	p.dst.yield(o.Segments)
	p.driving.settle(Settlement{ID: o.ID, Digest: got, Again: true})
	return nil
}

// miss counts the times that an offer's digests differed.
func (p *puller) miss(id int64) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.misses[id]++
	return p.misses[id]
}
