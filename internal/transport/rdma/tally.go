package rdma

import (
	"strings"
	"sync/atomic"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// tally is what a fabric counts over all of its connections.
type tally struct {
	latencies transport.Latencies
	qps       atomic.Int64                               // that there are
	failures  [verbs.WCTMRndvIncomplete + 1]atomic.Int64 // of queue pairs, by the status that came first
}

// failed counts a connection that a completion has broken.
func (t *tally) failed(s verbs.WCStatus) {
	if int(s) >= len(t.failures) {
		s = verbs.WCGeneralErr // of a provider that knows more
	}
	t.failures[s].Add(1)
}

// QPs is how many queue pairs its connections have.
func (f *Fabric) QPs() int64 { return f.tally.qps.Load() }

// Slots are how many slots its connections have: those that hold a chunk in flight, and those
// that hold none.
func (f *Fabric) Slots() (used, free int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.contexts {
		u, n := c.slots()
		used, free = used+u, free+n
	}
	return used, free
}

// Failures is how many of its connections were broken by a completion that failed, by its
// status, as ibv_wc_status_str has it; those that were closed are not among them. Statuses that never
// came are left out.
func (f *Fabric) Failures() map[string]int64 {
	all := map[string]int64{}
	for s := range f.tally.failures {
		if n := f.tally.failures[s].Load(); n > 0 {
			all[strings.ReplaceAll(verbs.WCStatus(s).String(), " ", "_")] = n //nolint:gosec // there are few
		}
	}
	return all
}

// Latencies is how long chunks were in each stage.
func (f *Fabric) Latencies() *transport.Latencies { return &f.tally.latencies }

// PinLimit is how many bytes its connections may pin; false if there is no limit, or none that is known.
func (f *Fabric) PinLimit() (uint64, bool) { return f.budget.Limit() }
