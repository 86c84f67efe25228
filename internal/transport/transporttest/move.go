//nolint:thelper // a rule is a test that Suite runs, not a helper
package transporttest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
)

func moveRules() []rule {
	var rules []rule
	for _, n := range []int{1, 4095, 4096, 4097, chunkSize - 1, chunkSize} {
		rules = append(rules, both(fmt.Sprintf("move/%d bytes", n), func(t *testing.T, p pair) { p.mustMove(t, n) })...)
	}
	rules = append(rules, both("move/inside a file", moveInside)...)
	rules = append(rules, both("move/digest", moveDigest)...)
	rules = append(rules, both("move/one after the other", moveSerial)...)
	rules = append(rules, both("move/all slots at once", moveParallel)...)
	for _, r := range both("move/without digests", moveUnverified) {
		r.change = func(s *transport.Setup) { s.Unverified = true }
		rules = append(rules, r)
	}
	return append(rules, rule{name: "move/settle before push", direction: transport.Get, test: settleBeforePush})
}

// An extent's bytes go where the extent says and nowhere else; neither its
// offset nor its length has to be aligned.
func moveInside(t *testing.T, p pair) {
	const n, off, size = 5000, 3333, 12345
	src, dst := newFile(size), newRoom(size)
	if err := p.move(deadline(t), src, dst, transport.Extent{Off: off, Len: n}); err != nil {
		t.Fatal(err)
	}
	want := newRoom(size).data
	copy(want[off:off+n], src[off:])
	dst.mustEqual(t, want)
}

// Both ends return the digest of the extent's bytes.
func moveDigest(t *testing.T, p pair) {
	src, dst, ext := newFile(chunkSize), newRoom(chunkSize), transport.Extent{Len: chunkSize}
	loan, err := p.lend(deadline(t), src, dst, ext)
	if err != nil {
		t.Fatal(err)
	}
	driven, err := p.drive(deadline(t), src, dst, ext, loan.Ticket())
	if err != nil {
		t.Fatal(err)
	}
	settled, err := loan.Settle(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	loan.Return()
	if want := transport.Sum(src); driven != want || settled != want {
		t.Errorf("digest of the driver %s, of the lender %s, want %s", driven, settled, want)
	}
}

// Without digests, both ends say that they have none, and the bytes come the same.
func moveUnverified(t *testing.T, p pair) {
	src, dst, ext := newFile(chunkSize), newRoom(chunkSize), transport.Extent{Len: chunkSize}
	loan, err := p.lend(deadline(t), src, dst, ext)
	if err != nil {
		t.Fatal(err)
	}
	driven, err := p.drive(deadline(t), src, dst, ext, loan.Ticket())
	if err != nil {
		t.Fatal(err)
	}
	settled, err := loan.Settle(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	loan.Return()
	if none := (transport.Digest{}); driven != none || settled != none {
		t.Errorf("digest of the driver %s, of the lender %s", driven, settled)
	}
	dst.mustEqual(t, src)
}

// A slot carries nothing over from one loan to the next: here each is shorter
// than the one before.
func moveSerial(t *testing.T, p pair) {
	for n := chunkSize; n > 0; n /= 3 {
		p.mustMove(t, n)
	}
}

// Many chunks travel at once over all slots and queue pairs, with more callers
// than slots, and each arrives whole.
func moveParallel(t *testing.T, p pair) {
	const chunks = 48
	size := chunks*chunkSize - 777
	src, dst, ctx := newFile(size), newRoom(size), deadline(t)
	next := make(chan int, chunks)
	for i := range chunks {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range 2 * slots {
		wg.Go(func() {
			for i := range next {
				ext := transport.Extent{Off: int64(i) * chunkSize, Len: min(chunkSize, size-i*chunkSize)}
				if err := p.move(ctx, src, dst, ext); err != nil {
					t.Errorf("chunk %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	dst.mustEqual(t, src)
}

// Settle waits for the push however early it is called.
func settleBeforePush(t *testing.T, p pair) {
	src, dst, ext := newFile(4097), newRoom(4097), transport.Extent{Len: 4097}
	loan, err := p.lender.LendSink(deadline(t), dst, ext)
	if err != nil {
		t.Fatal(err)
	}
	ctx, settled := deadline(t), make(chan error, 1)
	go func() {
		d, err := loan.Settle(ctx)
		if err == nil && d != transport.Sum(src) {
			err = fmt.Errorf("digest %s", d)
		}
		settled <- err
	}()
	if _, err := p.driver.Push(ctx, src, ext, loan.Ticket()); err != nil {
		t.Fatal(err)
	}
	if err := <-settled; err != nil {
		t.Fatal(err)
	}
	loan.Return()
	dst.mustEqual(t, src)
}
