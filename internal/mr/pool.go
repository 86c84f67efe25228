package mr

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"sync/atomic"

	"github.com/rdmacp/rdmacp/internal/verbs"
)

// MaxSlots is the most slots that a pool can have: a slot's number travels in 16 bits
// of the immediate value of a WRITE.
const MaxSlots = math.MaxUint16 + 1

// ErrClosed answers Acquire on a pool that was closed.
var ErrClosed = errors.New("mr: pool is closed")

// Pool is memory that was mapped once, cut into slots of one size. Either all of it is
// registered for as long as the pool lives, or each slot by itself while it is exposed.
// Its methods may be called from any goroutine.
type Pool struct {
	slotSize int // bytes that a lease shows
	stride   int // bytes from slot to slot, a multiple of the page size
	slots    int
	mem      []byte
	budget   *Budget
	huge     bool

	region     region // of all the memory; nil where slots are exposed
	lkey, rkey verbs.Key

	expose  func(mem []byte) (region, error) // nil where all of it is registered
	exposed []region                         // by slot; touched only by the one who holds it, and by Close

	free    chan uint16     // slots that nobody holds, the one free for longest first
	serials []uint64        // by slot: its last lease; written only by the one who took it out of free
	held    []atomic.Uint64 // by slot: the lease that holds it; 0: nobody does
	closed  chan struct{}   // closed by the first Close

	mu      sync.Mutex // serialises Close
	mapping *mapping   // guarded by mu; nil once everything is given back
}

// NewPool maps, populates and registers slots slots of slotSize bytes each, in pd and
// with the given access. Each slot begins on a page of its own, and the memory is
// zero. The bytes are reserved in budget first, which may be nil for none.
//
// Where the limit for locked memory is too small, the error is a fault of code
// fault.Memlock. After an error nothing is left behind.
func NewPool(pd *verbs.PD, budget *Budget, slotSize, slots int, access verbs.Access) (*Pool, error) {
	return newPool(registerIn(pd), budget, slotSize, slots, access)
}

// NewExposing is NewPool for slots that a peer may write to: no device reaches any of them
// but between Lease.Expose and Lease.Conceal, with the given access. All of the memory is registered once
// to see that it can be pinned, which is better told now than in the middle of a copy.
func NewExposing(pd *verbs.PD, budget *Budget, slotSize, slots int, access verbs.Access) (*Pool, error) {
	return newExposing(registerIn(pd), budget, slotSize, slots, access)
}

func newExposing(register registrar, budget *Budget, slotSize, slots int, access verbs.Access) (*Pool, error) {
	p, err := newPool(register, budget, slotSize, slots, access)
	if err != nil {
		return nil, err
	}
	if err := p.region.Close(); err != nil {
		return nil, errors.Join(fmt.Errorf("mr: deregistering the pool: %w", err), p.Close())
	}
	p.region, p.lkey, p.rkey = nil, 0, 0
	p.expose = func(mem []byte) (region, error) { return register(mem, access) }
	p.exposed = make([]region, slots)
	return p, nil
}

func newPool(register registrar, budget *Budget, slotSize, slots int, access verbs.Access) (_ *Pool, err error) {
	stride, err := layout(slotSize, slots)
	if err != nil {
		return nil, err
	}
	size := stride * slots
	if err := budget.reserve(uint64(size)); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			budget.release(uint64(size))
		}
	}()

	m, err := mapAnonymous(size)
	if err != nil {
		return nil, mapFault(uint64(size), err)
	}
	reg, err := register(m.mem, access)
	if err != nil {
		return nil, errors.Join(registerFault(uint64(size), err, readLimits), m.unmap())
	}

	p := &Pool{
		slotSize: slotSize, stride: stride, slots: slots,
		mem: m.mem, mapping: m, huge: m.huge,
		region: reg, lkey: reg.LKey(), rkey: reg.RKey(), budget: budget,
		free: make(chan uint16, slots), serials: make([]uint64, slots), held: make([]atomic.Uint64, slots), closed: make(chan struct{}),
	}
	for i := range slots {
		p.free <- uint16(i)
	}
	return p, nil
}

// layout checks the shape of a pool and returns the distance between two slots.
func layout(slotSize, slots int) (stride int, err error) {
	if slots < 1 || slots > MaxSlots {
		return 0, fmt.Errorf("mr: a pool has 1 to %d slots, not %d", MaxSlots, slots)
	}
	page := os.Getpagesize()
	if slotSize < 1 || slotSize > (math.MaxInt-hugePage)/slots-page {
		return 0, fmt.Errorf("mr: %d slots of %d bytes cannot be addressed", slots, slotSize)
	}
	return roundUp(slotSize, page), nil
}

// roundUp returns the smallest multiple of unit, a power of two, that n fits in.
func roundUp(n, unit int) int { return (n + unit - 1) &^ (unit - 1) }

// Acquire hands out a free slot, waiting until there is one. It fails with ErrClosed
// once the pool is closed, and with ctx's cause once ctx is done.
func (p *Pool) Acquire(ctx context.Context) (none Lease, err error) {
	// select picks at random among what is ready; these two have to win.
	if p.isClosed() {
		return none, ErrClosed
	}
	if ctx.Err() != nil {
		return none, context.Cause(ctx)
	}
	select {
	case slot := <-p.free:
		if p.isClosed() {
			return none, ErrClosed
		}
		p.serials[slot]++
		p.held[slot].Store(p.serials[slot])
		return Lease{pool: p, slot: slot, serial: p.serials[slot]}, nil
	case <-p.closed:
		return none, ErrClosed
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
}

// SlotSize is the number of bytes in a slot.
func (p *Pool) SlotSize() int { return p.slotSize }

// Slots is the number of slots, free or not.
func (p *Pool) Slots() int { return p.slots }

// Free is the number of slots that nobody holds.
func (p *Pool) Free() int { return len(p.free) }

// LKey is the key that this host's own work requests name the memory by; 0 where slots are exposed.
func (p *Pool) LKey() verbs.Key { return p.lkey }

// RKey is the key that a peer reaches the memory by, as far as the pool's access lets
// it; 0 where slots are exposed. It is a capability: it belongs in no log.
func (p *Pool) RKey() verbs.Key { return p.rkey }

// Huge reports whether the memory is made of reserved huge pages. Otherwise the kernel
// was asked for transparent ones, and may have had some or none.
func (p *Pool) Huge() bool { return p.huge }

// Close deregisters the memory and then unmaps it. The caller sees to it that no work
// request, of this host or of the peer, can still reach the memory. Leases that are
// still held become unusable.
//
// When deregistering fails, the device may still reach the memory, so it stays mapped
// and Close may be called again. Once it has returned nil it does nothing more.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.isClosed() {
		close(p.closed)
	}
	if p.mapping == nil {
		return nil
	}
	if err := p.deregister(); err != nil {
		return fmt.Errorf("mr: deregistering the pool: %w", err)
	}
	p.budget.release(uint64(p.stride * p.slots))
	err := p.mapping.unmap()
	p.mapping = nil
	return err
}

// deregister closes what is registered. A region that is closed does nothing when it is closed again.
func (p *Pool) deregister() error {
	if p.region != nil {
		return p.region.Close()
	}
	var errs []error
	for _, r := range p.exposed {
		if r != nil {
			errs = append(errs, r.Close())
		}
	}
	return errors.Join(errs...)
}

func (p *Pool) isClosed() bool {
	select {
	case <-p.closed:
		return true
	default:
		return false
	}
}
