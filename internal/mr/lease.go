package mr

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

// Addr is the address of the slot's first byte, as work requests of either end name it.
func (l Lease) Addr() uint64 {
	return l.pool.region.Addr() + uint64(l.slot)*uint64(l.pool.stride)
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
