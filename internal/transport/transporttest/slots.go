//nolint:thelper // a rule is a test that Suite runs, not a helper
package transporttest

import (
	"context"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// moment is long enough for what must not happen to show.
const moment = 200 * time.Millisecond

func slotRules() []rule {
	var rules []rule
	rules = append(rules, both("slots/tickets", tickets)...)
	rules = append(rules, both("slots/wake on return", wakeOnReturn)...)
	rules = append(rules, both("slots/wake on cancel", wakeOnCancel)...)
	rules = append(rules, both("slots/return twice", returnTwice)...)
	return append(rules, rule{name: "slots/settle cancelled", direction: transport.Get, test: settleCancelled})
}

// Live loans have slots of their own, tickets say how long a loan is, and a slot
// that is lent again has a new generation.
func tickets(t *testing.T, p pair) {
	seen := map[uint16]uint16{}
	for round := range 3 {
		var loans []transport.Loan
		live := map[uint16]bool{}
		for range slots {
			loan := p.mustLend(t, 100)
			loans = append(loans, loan)
			tk := loan.Ticket()
			if live[tk.Slot] {
				t.Errorf("slot %d is lent twice at once", tk.Slot)
			}
			live[tk.Slot] = true
			if gen, ok := seen[tk.Slot]; ok && tk.Gen != gen+1 || !ok && round > 0 {
				t.Errorf("round %d: slot %d has generation %d after %d", round, tk.Slot, tk.Gen, gen)
			}
			seen[tk.Slot] = tk.Gen
			if tk.Len != 100 {
				t.Errorf("ticket says %d bytes, want 100", tk.Len)
			}
		}
		for _, loan := range loans {
			loan.Return() // the peer never heard of it
		}
	}
}

// lendAll lends every slot.
func (p pair) lendAll(t *testing.T) []transport.Loan {
	t.Helper()
	loans := make([]transport.Loan, slots)
	for i := range loans {
		loans[i] = p.mustLend(t, 100)
	}
	return loans
}

// lendOneMore lends in the background.
func (p pair) lendOneMore(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() {
		loan, err := p.lend(ctx, newFile(1), newRoom(1), transport.Extent{Len: 1})
		if err == nil {
			loan.Return()
		}
		done <- err
	}()
	return done
}

// Lending waits while no slot is free, and goes on once one is.
func wakeOnReturn(t *testing.T, p pair) {
	loans := p.lendAll(t)
	done := p.lendOneMore(deadline(t))
	select {
	case err := <-done:
		t.Fatalf("lent one more than there are slots: %v", err)
	case <-time.After(moment):
	}
	loans[0].Return()
	if err := <-done; err != nil {
		t.Errorf("lending after a slot was returned: %v", err)
	}
	for _, loan := range loans[1:] {
		loan.Return()
	}
}

// Lending that waits for a slot ends with its context, and costs no slot.
func wakeOnCancel(t *testing.T, p pair) {
	loans := p.lendAll(t)
	ctx, cancel := context.WithCancel(deadline(t))
	done := p.lendOneMore(ctx)
	cancel()
	mustBe(t, "lending, cancelled", <-done, context.Canceled)
	for _, loan := range loans {
		loan.Return()
	}
	for range slots + 1 {
		p.mustMove(t, 100)
	}
}

// Returning a loan again does nothing: the slot is somebody else's by then.
func returnTwice(t *testing.T, p pair) {
	loan := p.mustLend(t, 100)
	loan.Return()
	loan.Return()
	loans := p.lendAll(t)
	loan.Return()
	ctx, cancel := context.WithTimeout(deadline(t), moment)
	defer cancel()
	mustBe(t, "lending one more than there are slots", <-p.lendOneMore(ctx), context.DeadlineExceeded)
	for _, loan := range loans {
		loan.Return()
	}
}

// Settle ends with its context and leaves the loan as it was: it may be called
// again.
func settleCancelled(t *testing.T, p pair) {
	src, dst, ext := newFile(4097), newRoom(4097), transport.Extent{Len: 4097}
	loan, err := p.lender.LendSink(deadline(t), dst, ext)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(deadline(t), moment)
	defer cancel()
	_, err = loan.Settle(ctx)
	mustBe(t, "settling what was never pushed", err, context.DeadlineExceeded)
	if _, err := p.driver.Push(deadline(t), src, ext, loan.Ticket()); err != nil {
		t.Fatal(err)
	}
	if _, err := loan.Settle(deadline(t)); err != nil {
		t.Fatal(err)
	}
	loan.Return()
	dst.mustEqual(t, src)
}
