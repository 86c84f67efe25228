//go:build linux

package rdma_test

import (
	"os"
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// meddled is a sink that somebody meddles with just before what was summed is written.
type meddled struct {
	*os.File
	meddle func()
}

func (m meddled) WriteAt(p []byte, off int64) (int, error) {
	m.meddle()
	return m.File.WriteAt(p, off)
}

// A slot is in the peer's reach from its loan to its push and not a moment longer: not while its
// bytes are summed and written, not between loans, and by an old key not in the next loan.
func TestRXEHostileSlotTiming(t *testing.T) {
	const chunk = 1 << 20
	ext := transport.Extent{Off: chunk, Len: chunk}
	t.Run("writes between digest and disk", func(t *testing.T) {
		l, h, victim := lenderFor(t, transport.Get)
		h.meet(victim, hostilePSN)
		f := inMemory(t)
		var k transport.Ticket
		loan := made(l.LendSink(t.Context(), meddled{f, func() {
			h.fill(hostileByte)
			h.refused(verbs.OpWrite, k.Addr, k.RKey, chunk)
			h.fill(victimByte) // or pushes would miss it
		}}, ext))(t)
		k = loan.Ticket()
		h.pushes(loan)
		untouched(t, f)
	})
	t.Run("writes to a slot that is not lent any more", func(t *testing.T) {
		l, h, victim := lenderFor(t, transport.Get)
		h.meet(victim, hostilePSN)
		f := inMemory(t)
		loan := made(l.LendSink(t.Context(), f, ext))(t)
		h.pushes(loan)
		loan.Return()
		h.refused(verbs.OpWrite, loan.Ticket().Addr, loan.Ticket().RKey, 4096)
		untouched(t, f)
	})
	t.Run("writes to a slot that was returned unused", func(t *testing.T) {
		l, h, victim := lenderFor(t, transport.Get)
		h.meet(victim, hostilePSN)
		f := inMemory(t)
		loan := made(l.LendSink(t.Context(), f, ext))(t)
		loan.Return()
		h.refused(verbs.OpWrite, loan.Ticket().Addr, loan.Ticket().RKey, 4096)
		untouched(t, f)
	})
	for name, of := range map[string]func(old, now transport.Ticket) (addr uint64, key uint32){
		"writes by the key of the slot's earlier loan": func(old, _ transport.Ticket) (uint64, uint32) { return old.Addr, old.RKey },
		"writes by the key of another slot's loan":     func(old, now transport.Ticket) (uint64, uint32) { return now.Addr, old.RKey },
		"writes where the earlier loan was":            func(old, now transport.Ticket) (uint64, uint32) { return old.Addr, now.RKey },
	} {
		t.Run(name, func(t *testing.T) {
			l, h, victim := lenderFor(t, transport.Get)
			h.meet(victim, hostilePSN)
			f := inMemory(t)
			first := made(l.LendSink(t.Context(), f, ext))(t)
			old := first.Ticket()
			h.pushes(first)
			first.Return()
			var now transport.Ticket
			for now.Gen == 0 || now.Slot != old.Slot { // the slot comes last
				now = made(l.LendSink(t.Context(), f, ext))(t).Ticket()
			}
			addr, key := of(old, now)
			if addr == now.Addr && key == now.RKey {
				t.Fatal("the slot is where it was, with the same key")
			}
			h.refused(verbs.OpWrite, addr, key, 4096)
			untouched(t, f)
		})
	}
}
