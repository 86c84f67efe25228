package server

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/status"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// Way is how sessions move bytes, by which their figures are kept apart.
type Way struct {
	Transport string // rdma or tcp; empty where a session ended before that was agreed
	Direction string // put or get; the same
}

// Totals are what the sessions of a Way have come to since the server was made.
type Totals struct {
	Open      int                  // sessions, now
	Sessions  map[fault.Code]int64 // that have ended, by how
	Transfers map[fault.Code]int64 // that have ended, by how
	Report    transfer.Report      // of them all
	Fallbacks map[string]int64     // sessions that go by TCP though their client wanted RDMA, by one of Reasons
	LostRails int64
	Devices   map[string]uint64 // bytes by each RDMA device of this host; by TCP, by ""
	Stats     transport.Stats   // those of open sessions are in it
}

// Live is a session that is open.
type Live struct {
	ID       string
	Peer     string // address
	Identity []string
	Way      Way
	Device   string // of this host
	Since    time.Time
	Export   string // of the transfer that runs, or has run last
	Path     string // where in it
	Stats    transport.Stats
}

// books has what the server's sessions did and do.
type books struct {
	took func(Way, time.Duration) // is told how long each transfer has taken; may be nil

	mu   sync.Mutex
	ways map[Way]*Totals
	live map[*session]Live // without Stats
}

func newBooks(took func(Way, time.Duration)) *books {
	return &books{took: took, ways: map[Way]*Totals{}, live: map[*session]Live{}}
}

// at returns the Totals of a way. The caller holds mu.
func (b *books) at(w Way) *Totals {
	t, ok := b.ways[w]
	if !ok {
		t = &Totals{Sessions: map[fault.Code]int64{}, Transfers: map[fault.Code]int64{}, Fallbacks: map[string]int64{}, Devices: map[string]uint64{}}
		b.ways[w] = t
	}
	return t
}

// open enters a session, with why it goes by TCP where it was to go by RDMA.
func (b *books) open(ss *session, l Live, fallback string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.live[ss] = l
	if fallback != "" {
		b.at(l.Way).Fallbacks[fallback]++
	}
}

// close takes a session out, and what it did into the totals. It may never have been
// open.
func (b *books) close(ss *session, how error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.live[ss]
	delete(b.live, ss)
	t := b.at(l.Way)
	t.Sessions[endOf(how)]++
	if ss.driver != nil {
		t.Stats = t.Stats.Plus(ss.stats())
		t.carried(ss)
	}
}

// carried adds what went by each device.
func (t *Totals) carried(ss *session) {
	for name, n := range ss.carried.bytes() {
		t.Devices[name] += n
	}
}

// begin says what a session's transfer is about.
func (b *books) begin(ss *session, export, path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l, ok := b.live[ss]; ok {
		l.Export, l.Path = export, path
		b.live[ss] = l
	}
}

// transfer enters a transfer that has ended.
func (b *books) transfer(ss *session, r transfer.Report, took time.Duration, how error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.live[ss].Way
	t := b.at(w)
	t.Transfers[endOf(how)]++
	t.Report = t.Report.Plus(r)
	if b.took != nil {
		b.took(w, took)
	}
}

// lostRail counts a rail that a session has lost.
func (b *books) lostRail(ss *session) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at(b.live[ss].Way).LostRails++
}

// refuse counts a session that was not let in.
func (b *books) refuse(why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at(Way{}).Sessions[endOf(why)]++
}

// endOf is how something has ended, for counting. What is no fault is the end of the
// client's stream.
func endOf(err error) fault.Code {
	if toStatus(err) == nil {
		return fault.OK
	}
	if f, ok := fault.As(err); ok {
		return f.Code
	}
	if _, ok := status.FromError(err); ok || errors.Is(err, wire.ErrSilent) || errors.Is(err, context.Canceled) {
		return fault.Lost
	}
	return fault.Internal
}

// Totals returns what all sessions have come to, by their ways.
func (s *Server) Totals() map[Way]Totals {
	b := s.books
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[Way]Totals{}
	for w, t := range b.ways {
		c := *t
		c.Sessions, c.Transfers, c.Fallbacks, c.Devices = maps.Clone(t.Sessions), maps.Clone(t.Transfers), maps.Clone(t.Fallbacks), maps.Clone(t.Devices)
		all[w] = c
	}
	for ss, l := range b.live {
		t := all[l.Way]
		t.Open++
		t.Stats = t.Stats.Plus(ss.stats())
		if t.Devices == nil {
			t.Devices = map[string]uint64{}
		}
		t.carried(ss)
		all[l.Way] = t
	}
	return all
}

// Sessions returns the sessions that are open, the oldest first.
func (s *Server) Sessions() []Live {
	b := s.books
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]Live, 0, len(b.live))
	for ss, l := range b.live {
		l.Stats = ss.stats()
		all = append(all, l)
	}
	slices.SortFunc(all, func(x, y Live) int { return cmp.Or(x.Since.Compare(y.Since), cmp.Compare(x.ID, y.ID)) })
	return all
}

// Cancel ends a session, and reports whether there is one of that ID. Its client hears so,
// and does not come back by itself.
func (s *Server) Cancel(id string) bool {
	b := s.books
	b.mu.Lock()
	defer b.mu.Unlock()
	for ss, l := range b.live {
		if l.ID == id {
			ss.cancel(fault.New(fault.Denied, "serving the session", errors.New("it was cancelled on the daemon's host"),
				"ask who runs rdmad there; the same command goes on where this one stopped"))
			return true
		}
	}
	return false
}
