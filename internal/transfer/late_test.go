package transfer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transfer"
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
