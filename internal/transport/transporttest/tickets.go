//nolint:thelper // a rule is a test that Suite runs, not a helper
package transporttest

import (
	"context"
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
)

func ticketRules() []rule {
	forged := []struct {
		name  string
		forge func(tk *transport.Ticket)
	}{
		{"wrong key", func(tk *transport.Ticket) { tk.RKey ^= 0x5a5a5a }},
		{"wrong address", func(tk *transport.Ticket) { tk.Addr += 1 << 40 }},
		{"loan shorter than the extent", func(tk *transport.Ticket) { tk.Len-- }},
	}
	var rules []rule
	for _, f := range forged {
		rules = append(rules, both("tickets/"+f.name, func(t *testing.T, p pair) { forgedTicket(t, p, f.forge) })...)
	}
	rules = append(rules, both("tickets/wrong direction", wrongDirection)...)
	return append(rules, rule{name: "tickets/stale generation", direction: transport.Get, test: staleGeneration})
}

// A ticket that names no loan ends the connection: the driver learns at once,
// the lender when it closes at the latest, and nothing is moved.
func forgedTicket(t *testing.T, p pair, forge func(*transport.Ticket)) {
	const n = 4096
	src, dst, ext := newFile(n), newRoom(n), transport.Extent{Len: n}
	p.mustMove(t, n)
	loan, err := p.lend(deadline(t), src, dst, ext)
	if err != nil {
		t.Fatal(err)
	}
	tk := loan.Ticket()
	forge(&tk)
	_, err = p.drive(deadline(t), src, dst, ext, tk)
	mustBe(t, "forged ticket", err, transport.ErrLost)
	_, err = p.drive(deadline(t), src, dst, ext, loan.Ticket())
	mustBe(t, "call on a broken connection", err, transport.ErrLost)
	p.lenderLearns(t, loan)
	dst.mustEqual(t, newRoom(n).data)
}

// lenderLearns closes the lender while it waits for a push that will never come.
func (p pair) lenderLearns(t *testing.T, loan transport.Loan) {
	t.Helper()
	if p.direction == transport.Put {
		mustClose(t, "lender", p.lender)
		_, err := p.lender.LendSource(deadline(t), newFile(1), transport.Extent{Len: 1})
		mustBe(t, "lending after Close", err, transport.ErrClosed, transport.ErrLost)
		return
	}
	ctx, settled := deadline(t), make(chan error, 1)
	go func() {
		_, err := loan.Settle(ctx)
		settled <- err
	}()
	mustClose(t, "lender", p.lender)
	mustBe(t, "settling", <-settled, transport.ErrClosed, transport.ErrLost)
}

// What is lent to be read can't be written, and the other way round.
func wrongDirection(t *testing.T, p pair) {
	const n = 4096
	src, dst, ext := newFile(n), newRoom(n), transport.Extent{Len: n}
	loan := p.mustLend(t, n)
	var err error
	if p.direction == transport.Put {
		_, err = p.driver.Push(deadline(t), src, ext, loan.Ticket())
	} else {
		_, err = p.driver.Pull(deadline(t), loan.Ticket(), dst, ext)
	}
	mustBe(t, "driving against the direction", err, transport.ErrLost)
	dst.mustEqual(t, newRoom(n).data)
}

// A push that names an earlier loan of a slot never settles the slot's new loan.
// Whether it breaks the connection is the transport's choice.
func staleGeneration(t *testing.T, p pair) {
	const n = 4096
	ext := transport.Extent{Len: n}
	stale := p.mustLend(t, n)
	stale.Return()
	dst := newRoom(n)
	var fresh transport.Loan
	for range slots { // one of these has the stale loan's slot
		loan, err := p.lender.LendSink(deadline(t), dst, ext)
		if err != nil {
			t.Fatal(err)
		}
		if loan.Ticket().Slot == stale.Ticket().Slot {
			fresh = loan
		}
	}
	if fresh == nil {
		t.Fatal("no loan has the slot that was returned")
	}
	_, pushed := p.driver.Push(deadline(t), newFile(n), ext, stale.Ticket())
	ctx, cancel := context.WithTimeout(deadline(t), moment)
	defer cancel()
	_, err := fresh.Settle(ctx)
	mustBe(t, "settling after a stale push", err, context.DeadlineExceeded, transport.ErrLost)
	dst.mustEqual(t, newRoom(n).data)
	if pushed != nil {
		mustBe(t, "stale push", pushed, transport.ErrLost)
	}
}
