package rdmacp

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/console"
)

// bound is what a copy was waiting for most: the stage that held the most slots. In a
// pipeline all slots queue up ahead of the slowest stage.
type bound struct {
	stage string // empty: there is nothing to tell
	where string // here or there
	share float64
	rate  float64 // bytes a second that moved meanwhile
}

// leastShare is how much of the slots' time the longest stage has to take for it to be
// what the copy waited for.
const leastShare = 0.2

// nearLimit is the share of --bwlimit from which on that is what a copy waits for.
const nearLimit = 0.8

// bound finds it.
func (o outcome) bound() bound {
	r := o.result
	if r.Bytes == 0 || o.command != copies {
		return bound{}
	}
	best := bound{stage: "files, names and messages", rate: console.Speed(r.Bytes, r.Elapsed)}
	if o.limit > 0 && best.rate >= nearLimit*float64(o.limit) {
		return bound{stage: "--bwlimit", rate: best.rate}
	}
	for _, e := range o.ends() {
		for _, s := range []struct {
			name string
			took time.Duration
		}{{"reading the source", e.Source}, {"registering pages", e.Map}, {"the wire", e.Wire}, {"digests", e.Digest}, {"encryption", e.Cipher}, {"the limit of the rate", e.Limit}, {"writing the destination", e.Sink}} {
			if share := shareOf(e.Counters, r.Elapsed, s.took); share > max(best.share, leastShare) {
				best.stage, best.where, best.share = s.name, e.where, share
			}
		}
	}
	return best
}

// endCounters are what an end counted.
type endCounters struct {
	client.Counters
	where string
}

// ends are the two ends.
func (o outcome) ends() []endCounters {
	return []endCounters{{o.result.Local, "here"}, {o.result.Remote, "there"}}
}

// String says it.
func (b bound) String() string {
	at := ", at " + console.Rate(b.rate)
	if b.where == "" {
		return "bound by " + b.stage + at
	}
	where := " " + b.where
	if b.stage == "the wire" {
		where = ""
	}
	return fmt.Sprintf("bound by %s%s (%d %% of the time of all chunks in flight)%s", b.stage, where, int(math.Round(b.share*100)), at)
}

// shareOf is the share of an end's slots' time that was spent on something.
func shareOf(c client.Counters, elapsed, took time.Duration) float64 {
	if c.Slots == 0 || elapsed <= 0 {
		return 0
	}
	return took.Seconds() / elapsed.Seconds() / float64(c.Slots)
}

// shares are several, as people read them.
func shares(c client.Counters, elapsed time.Duration, all ...time.Duration) string {
	parts := make([]string, 0, len(all))
	for _, took := range all {
		parts = append(parts, fmt.Sprintf("%.0f %%", shareOf(c, elapsed, took)*100))
	}
	return strings.Join(parts, ", ")
}
