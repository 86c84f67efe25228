package transfer

import (
	"sync"

	"golang.org/x/time/rate"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// Options tune one end. The zero value is usable.
type Options struct {
	Chunk    int            // bytes in a bundle, at most; 0: 1 MiB
	Window   int            // bundles in flight at once; 0: 16
	Open     int            // files that a sink has in the making at once, apart from large ones; 0: 1024
	Digest   tree.Algorithm // digest of whole files that a source seals
	ReadBack bool           // the sink reads what it wrote again, and has to know each segment's digest
	Verify   bool           // compare digests, move nothing
	FailFast bool           // end the transfer at the first problem
	Remove   bool           // the source removes what has been committed
	Limit    *rate.Limiter  // bytes a second that the lender lends; nil: no limit

	// Admit is called with each entry that a sink is told of, in their order and ahead of
	// anything that is done about those that came in one message with it. Its error ends
	// the transfer. It may be nil.
	Admit func(e tree.Entry) error

	Events Events
}

// Events are called as things happen, from several goroutines, and must not
// block for long. Any may be nil.
type Events struct {
	// Decided is called with each entry and the sink's word on it.
	Decided func(path string, e tree.Entry, v tree.Verdict)

	// Moved is called for bytes that are at the destination and proven.
	Moved func(bytes int64)

	// Committed is called for each file that was wanted and is in place now.
	Committed func(path string, e tree.Entry, s tree.Seal)

	Removed func(path string)
	Problem func(p tree.Problem)
}

func (o Options) window() int {
	if o.Window > 0 {
		return o.Window
	}
	return 16
}

func (o Options) open() int {
	if o.Open > 0 {
		return o.Open
	}
	return defaultOpen
}

func (o Options) chunk() int {
	if o.Chunk > 0 {
		return o.Chunk
	}
	return 1 << 20
}

// Report is what one end did.
type Report struct {
	Entries  int64 // of whatever kind
	Files    int64 // that were wanted, and are in place
	Bytes    int64 // payload that was moved and proven
	Chunks   int64 // bundles that were moved and proven
	Retried  int64 // bundles moved again
	Damaged  int64 // of those: because their digests differed, and not because a rail was lost
	Kept     int64 // bytes that did not move, since the destination had the same
	Resumed  int64 // bytes that did not move, since an earlier run had brought them
	Problems int64
}

// Plus adds up what two transfers did.
func (r Report) Plus(s Report) Report {
	return Report{
		Entries: r.Entries + s.Entries, Files: r.Files + s.Files, Bytes: r.Bytes + s.Bytes, Chunks: r.Chunks + s.Chunks,
		Retried: r.Retried + s.Retried, Damaged: r.Damaged + s.Damaged, Kept: r.Kept + s.Kept, Resumed: r.Resumed + s.Resumed, Problems: r.Problems + s.Problems,
	}
}

// tally adds up a Report.
type tally struct {
	events Events

	mu     sync.Mutex
	report Report
}

func (t *tally) count(f func(r *Report)) {
	t.mu.Lock()
	f(&t.report)
	t.mu.Unlock()
}

// moved counts a bundle: n bytes of it moved, kept were the same already.
func (t *tally) moved(n, kept int64) {
	t.count(func(r *Report) {
		if n > 0 {
			r.Chunks++
		}
		r.Bytes += n
		r.Kept += kept
	})
	if t.events.Moved != nil {
		t.events.Moved(n + kept)
	}
}

// rerouted counts a bundle that is moved again since its rail is lost, and damaged one whose digests differed.
func (t *tally) rerouted() { t.count(func(r *Report) { r.Retried++ }) }
func (t *tally) damaged()  { t.count(func(r *Report) { r.Retried++; r.Damaged++ }) }

func (t *tally) sum() Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.report
}
