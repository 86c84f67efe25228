package transfer

import "sync"

// ledger is what a driving end knows of each chunk. It believes nothing that
// the lender says: each offer is checked before anything is done about it.
type ledger struct {
	plan  Plan
	tally *tally
	again bool // a settled chunk may be offered again: on a get only the lender sees digests differ

	mu      sync.Mutex
	settled set
	flying  map[int64]struct{} // offers that are being worked on
	misses  map[int64]int      // times that a chunk's digests differed, if they did
}

func newLedger(plan Plan, t *tally, again bool) *ledger {
	return &ledger{plan: plan, tally: t, again: again, flying: map[int64]struct{}{}, misses: map[int64]int{}}
}

// take checks an offer and notes that it is worked on.
func (l *ledger) take(o Offer) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if o.Chunk < 0 || o.Chunk >= l.plan.Chunks() {
		return broke("chunk %d of %d is offered", o.Chunk, l.plan.Chunks())
	}
	if want := l.plan.Extent(o.Chunk).Len; int64(o.Ticket.Len) != int64(want) {
		return broke("chunk %d is offered with %d bytes, but has %d", o.Chunk, o.Ticket.Len, want)
	}
	if _, ok := l.flying[o.Chunk]; ok {
		return broke("chunk %d is offered twice at once", o.Chunk)
	}
	if l.settled.has(o.Chunk) {
		if l.misses[o.Chunk]++; !l.again || l.misses[o.Chunk] == tries {
			return broke("chunk %d is offered again, but was settled", o.Chunk)
		}
	}
	if l.misses[o.Chunk] > 0 {
		l.tally.retried()
	}
	l.flying[o.Chunk] = struct{}{}
	return nil
}

// settle notes that a chunk is done.
func (l *ledger) settle(chunk int64) {
	l.mu.Lock()
	delete(l.flying, chunk)
	fresh := !l.settled.has(chunk)
	l.settled.add(chunk)
	l.mu.Unlock()
	if fresh {
		l.tally.moved(l.plan.Extent(chunk).Len)
	}
}

// miss notes that a chunk's digests differ, and reports whether it may be
// offered again.
func (l *ledger) miss(chunk int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.flying, chunk)
	l.misses[chunk]++
	return l.misses[chunk] < tries
}

// complete fails unless every chunk is settled.
func (l *ledger) complete() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.settled.upTo; n != l.plan.Chunks() {
		return broke("finished, but chunk %d of %d is not settled", n, l.plan.Chunks())
	}
	return nil
}

// set is a set of chunks that grows from below. Its size is that of its holes,
// not of the file, which a peer may call as large as it likes.
type set struct {
	upTo  int64 // every chunk below is in the set
	ahead map[int64]struct{}
}

func (s *set) has(i int64) bool {
	_, ok := s.ahead[i]
	return ok || i < s.upTo
}

func (s *set) add(i int64) {
	if s.has(i) {
		return
	}
	if s.ahead == nil {
		s.ahead = map[int64]struct{}{}
	}
	s.ahead[i] = struct{}{}
	for _, ok := s.ahead[s.upTo]; ok; _, ok = s.ahead[s.upTo] {
		delete(s.ahead, s.upTo)
		s.upTo++
	}
}
