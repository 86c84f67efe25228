package transfer

import (
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// TestOutboxSplits: what is too long for one message comes in several, each item
// once, and nothing ahead of what it follows from.
func TestOutboxSplits(t *testing.T) {
	o := newOutbox()
	o.add(func(b *Batch) {
		for i := range int64(3000) {
			b.Entries = append(b.Entries, tree.Entry{ID: i + 1, Name: strings.Repeat("n", 100)})
			b.Verdicts = append(b.Verdicts, tree.Verdict{ID: i + 1})
			b.Seals = append(b.Seals, tree.Seal{ID: i + 1})
			b.Offers = append(b.Offers, Offer{ID: i + 1, Segments: make([]Segment, 10)})
			b.Outcomes = append(b.Outcomes, Outcome{ID: i + 1})
		}
		b.Last, b.Done = true, true
	})
	o.add(func(b *Batch) {
		b.Entries = append(b.Entries, tree.Entry{ID: 3001, Link: strings.Repeat("x", 2*maxBatch)})
	})
	var seen Batch
	messages := 0
	for {
		b, full, _ := o.take()
		if !full {
			break
		}
		messages++
		if seen.Last && b.Entries != nil || seen.Done {
			t.Fatal("something follows the last")
		}
		if b.Offers != nil && len(seen.Seals)+len(b.Seals) < 3000 || b.Outcomes != nil && len(seen.Verdicts)+len(b.Verdicts) < 3000 {
			t.Fatal("an offer overtakes a seal, or an outcome a verdict")
		}
		seen.Entries = append(seen.Entries, b.Entries...)
		seen.Verdicts = append(seen.Verdicts, b.Verdicts...)
		seen.Seals = append(seen.Seals, b.Seals...)
		seen.Offers = append(seen.Offers, b.Offers...)
		seen.Outcomes = append(seen.Outcomes, b.Outcomes...)
		seen.Last, seen.Done = seen.Last || b.Last, seen.Done || b.Done
	}
	if len(seen.Entries) != 3001 || len(seen.Verdicts) != 3000 || len(seen.Seals) != 3000 || len(seen.Offers) != 3000 || len(seen.Outcomes) != 3000 || !seen.Last || !seen.Done {
		t.Errorf("%d entries, %d verdicts, %d seals, %d offers, %d outcomes arrived", len(seen.Entries), len(seen.Verdicts), len(seen.Seals), len(seen.Offers), len(seen.Outcomes))
	}
	if messages < 10 || messages > 60 {
		t.Errorf("%d messages", messages)
	}
	for i, e := range seen.Entries {
		if e.ID != int64(i+1) {
			t.Fatalf("entry %d at %d", e.ID, i)
		}
	}
}
