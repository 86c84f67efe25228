//go:build linux

package rdma_test

import (
	"errors"
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// Two clients of one host that are both at it: what one has lent, the other's peer cannot reach, and
// what it tries costs that one nothing.
func TestRXEHostileOtherSession(t *testing.T) {
	const chunk = 1 << 20
	ext := transport.Extent{Off: chunk, Len: chunk}
	f := inMemory(t)
	for name, lend := range map[string]func(l transport.Lender) (transport.Loan, error){
		"writes to another session's slot": func(l transport.Lender) (transport.Loan, error) { return l.LendSink(t.Context(), f, ext) },
		"writes to another session's window": func(l transport.Lender) (transport.Loan, error) {
			return l.LendSink(t.Context(), landed{f, victimSize}, ext)
		},
	} {
		t.Run(name, func(t *testing.T) {
			victim, friend, of := lenderFor(t, transport.Get)
			friend.meet(of, hostilePSN)
			own, h, met := lenderFor(t, transport.Get)
			h.meet(met, hostilePSN)
			loan := made(lend(victim))(t)
			made(lend(own))(t)
			h.refused(verbs.OpWrite, loan.Ticket().Addr, loan.Ticket().RKey, 4096)
			friend.pushes(loan)
			loan.Return()
			untouched(t, f)
		})
	}
	t.Run("reads another session's source", func(t *testing.T) {
		victim, friend, of := lenderFor(t, transport.Put)
		friend.meet(of, hostilePSN)
		_, h, met := lenderFor(t, transport.Put)
		h.meet(met, hostilePSN)
		k := made(victim.LendSource(t.Context(), f, ext))(t).Ticket()
		h.refused(verbs.OpRead, k.Addr, k.RKey, 4096)
		if got := friend.post(verbs.OpRead, k.Addr, k.RKey, chunk, 0); got != verbs.WCSuccess || friend.mem[0] != victimByte {
			t.Errorf("%v, %#x", got, friend.mem[0])
		}
	})
}

// A queue pair that has pushed, and is then connected anew to the same victim, whose own one has not been: what it
// pushes is nothing that the victim waits for, and the connection is lost.
func TestRXEHostileConnectsTwice(t *testing.T) {
	const chunk = 1 << 20
	for name, psn := range map[string]uint32{"by the old number": hostilePSN, "by a new number": hostilePSN + 0x100000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // the victims wait
			l, h, victim := lenderFor(t, transport.Get)
			h.meet(victim, hostilePSN)
			f := inMemory(t)
			first := made(l.LendSink(t.Context(), f, transport.Extent{Off: chunk, Len: chunk}))(t)
			h.pushes(first)
			first.Return()
			loan := made(l.LendSink(t.Context(), f, transport.Extent{Off: 2 * chunk, Len: chunk}))(t)
			if err := h.qp.ToReset(); err != nil {
				t.Fatal(err)
			}
			h.meet(victim, psn)
			k := loan.Ticket()
			t.Logf("it pushes: %v", h.post(verbs.OpWriteImm, k.Addr, k.RKey, chunk, k.Imm()))
			if _, err := loan.Settle(t.Context()); !errors.Is(err, transport.ErrLost) {
				t.Errorf("it was taken for the file: %v", err)
			}
			untouched(t, f)
		})
	}
}
