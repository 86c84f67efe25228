package transfer_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// shut is a sink that can write no file.
type shut struct{ tree.Sink }

var errShut = fault.New(fault.IO, "writing", errors.New("it is shut"), "")

func (shut) Open(tree.Entry, tree.Verdict) (tree.Landing, error) { return nil, errShut }

// A file that was given up here may be read to its end there: what is said of it on
// the way is no breach, and the fault is the one of writing.
func TestSealOfWhatWasGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		link := &words{batches: []*transfer.Batch{
			dir(), file(), settled(transfer.Settlement{ID: 1, Digest: good}),
			{Seals: []tree.Seal{{ID: 2, Size: 250}}},
			settled(transfer.Settlement{ID: 2, Digest: good}), settled(transfer.Settlement{ID: 3, Digest: good}),
		}, offers: make(chan transfer.Offer, 100)}
		var told []error
		o := transfer.Options{Chunk: 100, Window: 4, Events: transfer.Events{
			Problem: func(p tree.Problem) { told = append(told, p.Fault) },
		}}
		to := shut{newPlot(newDisk(), pace{1, time.Millisecond}, nil, false)}
		if _, err := transfer.Receive(ctx, wire{}, link, to, o); err != nil {
			t.Error(err)
		}
		if len(told) != 1 || !errors.Is(told[0], errShut) {
			t.Errorf("told: %v", told)
		}
	})
}

// unopened is a source whose files cannot be opened.
type unopened struct{ *grove }

func (unopened) Open(tree.Entry) (tree.SourceFile, error) { return nil, errShut }

// Of a file that was given up, at whichever end, nothing more is lent than what was under
// way: it may be of any size.
func TestNoMoreOfWhatWasGivenUp(t *testing.T) {
	gone := &transfer.Batch{Outcomes: []transfer.Outcome{{ID: 2, Fault: errShut}}}
	settle := settled(transfer.Settlement{ID: 1, Digest: good})
	last := &transfer.Batch{Settled: settle.Settled, Done: true}
	for name, c := range map[string]struct {
		says []*transfer.Batch
		lent int // of three
		run  func(ctx context.Context, link transfer.Link, o transfer.Options) (transfer.Report, error)
	}{
		"get, by the sink": {
			[]*transfer.Batch{dir(), file()},
			0,
			func(ctx context.Context, link transfer.Link, o transfer.Options) (transfer.Report, error) {
				return transfer.Receive(ctx, wire{}, link, shut{newPlot(newDisk(), pace{1, time.Millisecond}, nil, false)}, o)
			},
		},
		"get, by the source": {
			[]*transfer.Batch{dir(), file(), {Seals: []tree.Seal{{ID: 2, Fault: errShut}}}, settle},
			1,
			func(ctx context.Context, link transfer.Link, o transfer.Options) (transfer.Report, error) {
				return transfer.Receive(ctx, wire{}, link, newPlot(newDisk(), pace{1, time.Millisecond}, nil, false), o)
			},
		},
		"put, by the sink": {
			[]*transfer.Batch{want(), gone, last},
			1,
			func(ctx context.Context, link transfer.Link, o transfer.Options) (transfer.Report, error) {
				return transfer.Send(ctx, wire{}, link, oneFile(), o)
			},
		},
		"put, unwanted": {
			[]*transfer.Batch{want(), settled(transfer.Settlement{ID: 1, Unwanted: true}), gone, {Done: true}},
			1,
			func(ctx context.Context, link transfer.Link, o transfer.Options) (transfer.Report, error) {
				return transfer.Send(ctx, wire{}, link, oneFile(), o)
			},
		},
		"put, by the source": {
			[]*transfer.Batch{want(), settle, gone, {Done: true}},
			1,
			func(ctx context.Context, link transfer.Link, o transfer.Options) (transfer.Report, error) {
				return transfer.Send(ctx, wire{}, link, unopened{oneFile()}, o)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				link := &words{batches: c.says, offers: make(chan transfer.Offer, 100)}
				problems := 0
				o := transfer.Options{Chunk: 100, Window: 1, Events: transfer.Events{Problem: func(tree.Problem) { problems++ }}}
				if _, err := c.run(ctx, link, o); err != nil {
					t.Error(err)
				}
				if n := len(link.offers); n != c.lent || problems != 1 {
					t.Errorf("%d offers of three, want %d; %d problems", n, c.lent, problems)
				}
			})
		})
	}
}

// idle is a wire over which nothing may go.
type idle struct {
	wire
	t *testing.T
}

func (i idle) Pull(context.Context, transport.Ticket, io.WriterAt, transport.Extent) (transport.Digest, error) {
	i.t.Error("bytes move")
	return good, nil
}

// Nothing is pulled of a file that cannot be made.
func TestNothingOfWhatCannotBeMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		link := &words{batches: []*transfer.Batch{dir(), file(), offer(1, 100, seg(2, 0, 100)), offer(2, 100, seg(2, 100, 100)), nil}}
		r, err := transfer.Pull(ctx, idle{t: t}, link, shut{newPlot(newDisk(), pace{1, time.Millisecond}, nil, false)}, transfer.Options{Chunk: 100, Window: 4})
		if err != nil || r.Bytes != 0 || r.Problems != 1 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}
