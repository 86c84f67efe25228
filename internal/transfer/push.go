package transfer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Push is the daemon's end of a get: it tells of what src holds, and pushes what
// is wanted of it into the room that is offered, until the client says that all is
// done. For what it returns see Send.
func Push(ctx context.Context, d transport.Driver, link Link, src tree.Source, o Options) (Report, error) {
	e := newEnd(link, o)
	p := &pusher{end: e, src: newSource(e, src), driving: newDriving(e, d)}
	err := e.run(ctx, p.hear, p.src.walk,
		func(ctx context.Context) error { return p.driving.work(ctx, p.one) })
	p.src.close()
	return e.tally.sum(), explain(ctx, err)
}

type pusher struct {
	*end
	src     *source
	driving *driving
}

// hear heeds the client's words.
func (p *pusher) hear(ctx context.Context, b Batch, done bool) error {
	if done {
		p.driving.noMore()
		return p.src.complete()
	}
	if b.Entries != nil || b.Seals != nil || b.Settled != nil {
		return broke("it speaks as if it had the files")
	}
	p.told(b)
	for _, v := range b.Verdicts {
		if _, err := p.src.verdict(v); err != nil {
			return err
		}
	}
	if err := p.driving.hear(ctx, b.Offers); err != nil {
		return err
	}
	for _, o := range b.Outcomes {
		if err := p.src.outcome(o); err != nil {
			return err
		}
	}
	return nil
}

// one pushes into what is offered. Whether the bytes arrived whole is for the
// lender to see, who offers again if they did not.
func (p *pusher) one(ctx context.Context, o Offer) error {
	for _, s := range o.Segments {
		if g := p.src.find(s.ID); g != nil && s.End() > g.entry.Meta.Size {
			return broke("bytes up to %d are wanted of %q, which has %d", s.End(), g.path, g.entry.Meta.Size)
		}
	}
	mine := slices.Clone(o.Segments)
	from := gather{p.src, mine}
	if !comparing(mine) {
		return p.push(ctx, o, from, nil)
	}
	// What the other end has is only known once the bytes are read, and they are
	// not to be read twice.
	buf := make([]byte, length(mine))
	_, _ = from.ReadAt(buf, 0) // it does not fail
	var same []int
	for i, s := range mine {
		if s.Compare && s.ID != 0 && s.Digest == o.Segments[i].Digest {
			same = append(same, i)
		}
	}
	if o.Ticket.Len == 0 || len(same) == len(mine) {
		p.driving.settle(Settlement{ID: o.ID, Kept: same})
		return nil
	}
	return p.push(ctx, o, bytesAt{bytes.NewReader(buf)}, same)
}

// push moves a bundle.
func (p *pusher) push(ctx context.Context, o Offer, from io.ReaderAt, same []int) error {
	ext := extent(o.ID, o.Segments, p.options.chunk())
	if o.Ticket.Len == 0 {
		if !p.options.Verify {
			return broke("offer %d lends nothing", o.ID)
		}
		_, _ = from.ReadAt(make([]byte, ext.Len), 0) // so that the files are sealed
		p.driving.settle(Settlement{ID: o.ID})
		return nil
	}
	sent, err := p.driving.driver.Push(ctx, from, ext, o.Ticket)
	if errors.Is(err, transport.ErrRail) {
		p.tally.rerouted()
		p.driving.settle(Settlement{ID: o.ID, Lost: true})
		return nil
	}
	if err != nil {
		return err
	}
	kept := keptBytes(o.Segments, same)
	p.tally.moved(solid(o.Segments)-kept, kept)
	p.driving.settle(Settlement{ID: o.ID, Digest: sent, Kept: same})
	return nil
}

// comparing reports whether any segment is to be compared first.
func comparing(segments []Segment) bool {
	for _, s := range segments {
		if s.Compare {
			return true
		}
	}
	return false
}
