//nolint:thelper // a rule is a test that Suite runs, not a helper
package transporttest

import (
	"sync"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

func closeRules() []rule {
	var rules []rule
	rules = append(rules, both("close/again and at once", closeAgain)...)
	rules = append(rules, both("close/calls afterwards", closeThenCall)...)
	rules = append(rules, both("close/loans out", func(t *testing.T, p pair) { p.lendAll(t) })...)
	rules = append(rules, both("close/lender while lending waits", closeWakesLending)...)
	rules = append(rules, both("close/in full flight", closeInFlight)...)
	rules = append(rules, both("close/lender first", lenderFirst)...)
	return append(rules,
		rule{name: "close/lender while settling", direction: transport.Get, test: closeWakesSettle},
		rule{name: "close/driver first", direction: transport.Get, test: driverFirst})
}

// Close may be called again, from any goroutine, and says nil each time.
func closeAgain(t *testing.T, p pair) {
	p.mustMove(t, 100)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { p.close(t) })
	}
	wg.Wait()
}

// Calls after Close fail with ErrClosed.
func closeThenCall(t *testing.T, p pair) {
	src, dst, ext := newFile(100), newRoom(100), transport.Extent{Len: 100}
	loan := p.mustLend(t, 100)
	tk := loan.Ticket()
	p.close(t)
	_, err := p.lend(deadline(t), src, dst, ext)
	mustBe(t, "lending", err, transport.ErrClosed)
	_, err = p.drive(deadline(t), src, dst, ext, tk)
	mustBe(t, "driving", err, transport.ErrClosed)
	if p.direction == transport.Get {
		_, err = loan.Settle(deadline(t))
		mustBe(t, "settling", err, transport.ErrClosed)
	}
	loan.Return() // too late, and harmless
}

// Close wakes a call that waits for a slot.
func closeWakesLending(t *testing.T, p pair) {
	p.lendAll(t)
	done := p.lendOneMore(deadline(t))
	mustClose(t, "lender", p.lender)
	mustBe(t, "lending", <-done, transport.ErrClosed)
}

// Close wakes a Settle that waits for a push.
func closeWakesSettle(t *testing.T, p pair) {
	loan := p.mustLend(t, 100)
	ctx, settled := deadline(t), make(chan error, 1)
	go func() {
		_, err := loan.Settle(ctx)
		settled <- err
	}()
	mustClose(t, "lender", p.lender)
	mustBe(t, "settling", <-settled, transport.ErrClosed)
}

// Both ends close while chunks are under way on all slots: Close returns within
// seconds, and every call ends with ErrClosed or ErrLost.
func closeInFlight(t *testing.T, p pair) {
	src, dst, ext := newFile(chunkSize), newRoom(chunkSize), transport.Extent{Len: chunkSize}
	ctx := deadline(t)
	moved, results := make(chan struct{}, 1), make(chan error, slots)
	for range slots {
		go func() {
			for {
				if err := p.move(ctx, src, dst, ext); err != nil {
					results <- err
					return
				}
				select {
				case moved <- struct{}{}:
				default:
				}
			}
		}()
	}
	<-moved // the connection is in use
	p.close(t)
	for range slots {
		mustBe(t, "call at Close", <-results, transport.ErrClosed, transport.ErrLost)
	}
}

// Once the lender is closed, the driver's calls fail within seconds: the memory
// that they would reach is not lent any more.
func lenderFirst(t *testing.T, p pair) {
	src, dst, ext := newFile(4096), newRoom(4096), transport.Extent{Len: 4096}
	loan := p.mustLend(t, 4096)
	mustClose(t, "lender", p.lender)
	start := time.Now()
	_, err := p.drive(deadline(t), src, dst, ext, loan.Ticket())
	mustBe(t, "driving", err, transport.ErrLost)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the driver noticed only after %s", took)
	}
	dst.mustEqual(t, newRoom(4096).data)
}

// A lender whose driver is gone need not notice, but its Close ends what waits.
func driverFirst(t *testing.T, p pair) {
	loan := p.mustLend(t, 4096)
	mustClose(t, "driver", p.driver)
	p.lenderLearns(t, loan)
}
