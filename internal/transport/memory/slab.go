package memory

import (
	"context"
	"errors"
	"sync"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// poison fills memory that belongs to nobody.
const poison = 0xDB

// errAccess is what a NIC says about a request for memory that isn't lent.
var errAccess = errors.New("remote access error")

// slab is a lender's memory: slots of one chunk each, next to each other, with
// one key. The lock stands for the NIC's own order of requests.
type slab struct {
	key    uint32
	base   uint64
	stride int
	access transport.Direction
	free   chan uint16 // slots that are not lent

	mu      sync.Mutex
	mem     []byte
	slots   []slot
	revoked bool
}

// slot is one loan's memory.
type slot struct {
	lent    bool
	gen     uint16 // of the loan, or of the next one
	length  int
	page    page          // where it lies, if not in the slot
	arrived chan struct{} // closed by the push; nil for a source
}

func newSlab(s transport.Setup, key uint32, base uint64) *slab {
	b := &slab{
		key: key, base: base, stride: s.ChunkSize, access: s.Direction,
		free: make(chan uint16, s.Slots), mem: make([]byte, s.Slots*s.ChunkSize), slots: make([]slot, s.Slots),
	}
	for i := range b.slots {
		b.blot(uint16(i))
		b.free <- uint16(i)
	}
	return b
}

// bytes is the memory of slot i.
func (b *slab) bytes(i uint16) []byte {
	return b.mem[int(i)*b.stride : (int(i)+1)*b.stride]
}

// blot poisons slot i.
func (b *slab) blot(i uint16) {
	for p := b.bytes(i); len(p) > 0; p = p[1:] {
		p[0] = poison
	}
}

// take waits for a free slot.
func (b *slab) take(ctx context.Context, l *life) (uint16, error) {
	select {
	case <-l.ended:
		return 0, l.err()
	case <-ctx.Done():
		return 0, ctx.Err()
	case i := <-b.free:
		return i, nil
	}
}

// lend opens slot i to the peer for n bytes; arrived is nil for a source.
func (b *slab) lend(i uint16, n int, arrived chan struct{}) transport.Ticket {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &b.slots[i]
	s.lent, s.length, s.arrived = true, n, arrived
	return transport.Ticket{
		Addr: b.base + uint64(int(i)*b.stride), RKey: b.key, Len: uint32(n), Slot: i, Gen: s.gen,
	}
}

// giveBack ends slot i's loan and poisons it.
func (b *slab) giveBack(i uint16) {
	b.mu.Lock()
	s := &b.slots[i]
	*s = slot{gen: s.gen + 1}
	b.blot(i)
	b.mu.Unlock()
	b.free <- i
}

// revoke takes back whatever is lent.
func (b *slab) revoke() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.revoked = true
}

// read is a remote read of what t names.
func (b *slab) read(t transport.Ticket, into []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.check(t, len(into), transport.Put); err != nil {
		return err
	}
	if p := b.slots[t.Slot].page; p.file != nil {
		return p.file.Load(into, p.off)
	}
	copy(into, b.bytes(t.Slot))
	return nil
}

// write is a remote write into what t names, with its immediate value behind it.
func (b *slab) write(t transport.Ticket, from []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.check(t, len(from), transport.Get); err != nil {
		return err
	}
	s := &b.slots[t.Slot]
	if over(s.arrived) {
		return errAccess // a loan takes one push
	}
	copy(b.bytes(t.Slot), from)
	close(s.arrived)
	return nil
}

// check is what the lender's NIC checks of each request.
func (b *slab) check(t transport.Ticket, n int, access transport.Direction) error {
	if b.revoked || t.RKey != b.key || b.access != access || int(t.Slot) >= len(b.slots) {
		return errAccess
	}
	s := &b.slots[t.Slot]
	if !s.lent || s.gen != t.Gen || n > s.length || t.Addr != b.base+uint64(int(t.Slot)*b.stride) {
		return errAccess
	}
	return nil
}
