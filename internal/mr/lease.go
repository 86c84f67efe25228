package mr

import (
	"errors"
	"fmt"

	"github.com/rdmacp/rdmacp/internal/verbs"
)

// Lease is a slot of a pool, held by one user at a time until Release. It is a value, so
// that a slot changes hands without an allocation: copies of it are the same lease.
type Lease struct {
	pool   *Pool
	slot   uint16
	serial uint64 // of the slot's leases, from 1
}

// Bytes is the slot's memory: as long as the pool's slot size, beginning on a page.
// Its capacity reaches to the end of the slot's last page, so that direct I/O, which
// moves whole blocks, may be rounded up. After Release, and after the pool's Close,
// it is nil; a slice taken before that must not be touched any more.
//
// What an earlier holder left in the slot is still there.
func (l Lease) Bytes() []byte {
	p := l.pool
	if p.held[l.slot].Load() != l.serial || p.isClosed() {
		return nil
	}
	start := int(l.slot) * p.stride
	return p.mem[start : start+p.slotSize : start+p.stride]
}

// Addr is the address of the slot's first byte, as work requests of either end name it, in
// a pool that is registered as a whole.
func (l Lease) Addr() uint64 {
	return l.pool.region.Addr() + uint64(l.slot)*uint64(l.pool.stride)
}

// Expose shows the slot's first n bytes, and no other, to the device, at an address and by an
// rkey that are new each time, until Conceal. The pool has to be one of NewExposing's; the
// holder of the lease calls both, in turn, and not beside the pool's Close.
func (l Lease) Expose(n int) (addr uint64, rkey verbs.Key, err error) {
	p, mem := l.pool, l.Bytes()
	switch {
	case mem == nil:
		return 0, 0, ErrClosed
	case p.expose == nil || n < 1 || n > len(mem):
		return 0, 0, fmt.Errorf("mr: %d bytes of a slot of %d cannot be exposed", n, len(mem))
	case p.exposed[l.slot] != nil:
		return 0, 0, errExposed
	}
	r, err := p.expose(mem[:n])
	if err != nil {
		return 0, 0, registerFault(uint64(n), err, readLimits)
	}
	p.exposed[l.slot] = r
	return r.Addr(), r.RKey(), nil
}

// errExposed answers Expose for a slot that was not concealed.
var errExposed = errors.New("mr: the slot is exposed already")

// Conceal ends an Expose: when it has returned nil, no device reaches the slot. Where
// deregistering fails one still may, and the pool's Close tries again. A slot that is not
// exposed is left as it is.
func (l Lease) Conceal() error {
	p := l.pool
	if p.exposed == nil || p.exposed[l.slot] == nil {
		return nil
	}
	if err := p.exposed[l.slot].Close(); err != nil {
		return fmt.Errorf("mr: deregistering a slot: %w", err)
	}
	p.exposed[l.slot] = nil
	return nil
}

// Slot is the slot's number in its pool.
func (l Lease) Slot() uint16 { return l.slot }

// Gen is the slot's generation: 1 for the first lease of a slot, and one more for each
// that follows, so that a late word about an earlier lease can be told apart. It wraps
// around to 0 after 65,535.
func (l Lease) Gen() uint16 { return uint16(l.serial) }

// Release gives the slot back, to be handed out again at once. The caller knows that
// no work request can reach it any more. Further calls do nothing.
func (l Lease) Release() {
	if l.pool.held[l.slot].CompareAndSwap(l.serial, 0) {
		l.pool.free <- l.slot // never blocks: there is room for every slot
	}
}
