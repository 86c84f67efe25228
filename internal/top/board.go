package top

import (
	"cmp"
	"slices"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// looks is for how many looks the rates are remembered.
const looks = 60

// Order is how sessions are sorted.
type Order int

// The orders.
const (
	ByRate Order = iota // the fastest first
	ByAge               // the oldest first
)

// Board has what is to be shown: the last look at a daemon, and what has changed since the
// one before.
type Board struct {
	Host  string // as the user calls it
	Order Order

	seen   int // looks
	now    wire.Snapshot
	before map[string]wire.Live // by session
	apart  time.Duration        // of the last two looks
	rate   float64              // bytes a second, of all sessions
	rates  []float64            // of the last looks
}

// Add takes a look.
func (b *Board) Add(s wire.Snapshot) {
	b.before = map[string]wire.Live{}
	for _, l := range b.now.Sessions {
		b.before[l.ID] = l
	}
	b.apart, b.rate = s.At-b.now.At, 0
	if b.seen > 0 && b.apart > 0 {
		b.rate = perSecond(s.Bytes, b.now.Bytes, b.apart)
		b.rates = append(b.rates, b.rate)
		b.rates = b.rates[max(0, len(b.rates)-looks):]
	}
	b.now = s
	b.seen++
}

// Ready reports whether there are rates to show.
func (b *Board) Ready() bool { return b.seen > 1 }

// row is a session as it is shown.
type row struct {
	wire.Live
	rate   float64 // bytes a second
	copied float64 // share of what has moved since the last look that a CPU has copied; NaN-free: 0 where nothing has
	moved  bool    // something has, since
	shares [len(stages)]float64
}

// stage is one of those that chunks go through.
type stage struct {
	letter byte
	key    string // for programs
	name   string
	took   func(transport.Stats) time.Duration
}

// stages are they, in the order of a chunk's way.
var stages = [...]stage{
	{'s', "source", "source", func(s transport.Stats) time.Duration { return s.Source }},
	{'m', "map", "map", func(s transport.Stats) time.Duration { return s.Map }},
	{'l', "limit", "limit of the rate", func(s transport.Stats) time.Duration { return s.Limit }},
	{'e', "cipher", "encryption", func(s transport.Stats) time.Duration { return s.Cipher }},
	{'w', "wire", "wire", func(s transport.Stats) time.Duration { return s.Wire }},
	{'d', "digest", "digest", func(s transport.Stats) time.Duration { return s.Digest }},
	{'k', "sink", "sink", func(s transport.Stats) time.Duration { return s.Sink }},
}

// rows are the sessions, sorted.
func (b *Board) rows() []row {
	rows := make([]row, 0, len(b.now.Sessions))
	for _, l := range b.now.Sessions {
		rows = append(rows, b.row(l))
	}
	slices.SortStableFunc(rows, func(x, y row) int {
		if b.Order == ByRate {
			return cmp.Compare(y.rate, x.rate)
		}
		return cmp.Compare(y.Age, x.Age)
	})
	return rows
}

// row compares a session with the look before, or with nothing if it is new.
func (b *Board) row(l wire.Live) row {
	r := row{Live: l}
	old, apart := b.before[l.ID].Stats, b.apart
	if _, there := b.before[l.ID]; !there {
		apart = l.Age
	}
	r.rate = perSecond(l.Stats.Bytes, old.Bytes, apart)
	if bytes := minus(l.Stats.Bytes, old.Bytes); bytes > 0 {
		copied := minus(l.Stats.CopiedBytes+l.Stats.SocketBytes, old.CopiedBytes+old.SocketBytes)
		r.moved, r.copied = true, min(1, float64(copied)/float64(bytes))
	}
	var sum float64
	for i, s := range stages {
		r.shares[i] = max(0, (s.took(l.Stats) - s.took(old)).Seconds())
		sum += r.shares[i]
	}
	for i := range r.shares {
		if sum > 0 {
			r.shares[i] /= sum
		}
	}
	return r
}

// minus is how much more a counter has: none, where it has begun anew.
func minus(now, before uint64) uint64 { return now - min(before, now) }

// perSecond is the rate of a counter.
func perSecond(now, before uint64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(minus(now, before)) / d.Seconds()
}
