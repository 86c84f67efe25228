package mr

import "sync"

// Budget is how much memory a process may pin: what RLIMIT_MEMLOCK allows, or anything
// where the process holds CAP_IPC_LOCK. One budget serves a process. Its methods may
// be called from any goroutine, and on nil, which allows everything.
type Budget struct {
	read func() (limits, error)

	mu       sync.Mutex
	reserved uint64 // bytes, by the pools of this budget
}

// NewBudget returns the budget of this process. The limit is read anew for every
// reservation, since it can be raised from outside while the process runs.
func NewBudget() *Budget { return &Budget{read: readLimits} }

// Reserved is the number of bytes that are reserved now.
func (b *Budget) Reserved() uint64 {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reserved
}

// Limit is the number of bytes that the process may pin, and false if there is no
// limit, or none that is known.
func (b *Budget) Limit() (uint64, bool) {
	if b == nil {
		return 0, false
	}
	l, err := b.read()
	if err != nil || l.unlimited {
		return 0, false
	}
	return l.memlock, true
}

// reserve takes n bytes out of the budget; what cannot be had is a fault of code
// fault.Memlock.
func (b *Budget) reserve(n uint64) error {
	if b == nil {
		return nil
	}
	l, err := b.read()

	b.mu.Lock()
	defer b.mu.Unlock()
	// A limit that cannot be read refuses nothing: the kernel has the last word.
	if err == nil {
		// The kernel also counts what others in the process pinned, as drivers do
		// for their queues, but not yet what was reserved and waits to be pinned.
		l.pinned = max(l.pinned, b.reserved)
		if !l.fits(n) {
			return limitFault(n, l, nil)
		}
	}
	b.reserved += n
	return nil
}

// release returns n bytes to the budget.
func (b *Budget) release(n uint64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reserved -= n
}

// limits is what the kernel allows a process to pin.
type limits struct {
	memlock   uint64 // bytes, RLIMIT_MEMLOCK
	pinned    uint64 // bytes that are pinned already
	unlimited bool   // the limit is infinite, or does not bind this process
}

// fits reports whether n more bytes can be pinned.
func (l limits) fits(n uint64) bool {
	return l.unlimited || (l.pinned <= l.memlock && n <= l.memlock-l.pinned)
}
