package transporttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// pair is a connection under test.
type pair struct {
	lender    transport.Lender
	driver    transport.Driver
	direction transport.Direction
}

// move moves one extent the whole way as the engine does, in the pair's
// direction, and compares the digests of the two ends.
func (p pair) move(ctx context.Context, src io.ReaderAt, dst io.WriterAt, ext transport.Extent) error {
	loan, err := p.lend(ctx, src, dst, ext)
	if err != nil {
		return fmt.Errorf("lending: %w", err)
	}
	driven, err := p.drive(ctx, src, dst, ext, loan.Ticket())
	if err != nil {
		return fmt.Errorf("driving: %w", err)
	}
	settled, err := loan.Settle(ctx)
	if err != nil {
		return fmt.Errorf("settling: %w", err)
	}
	loan.Return()
	if driven != settled {
		return fmt.Errorf("digest of the driver %s, of the lender %s", driven, settled)
	}
	return nil
}

// lend lends ext: a source for a put, room for a get.
func (p pair) lend(ctx context.Context, src io.ReaderAt, dst io.WriterAt, ext transport.Extent) (transport.Loan, error) {
	if p.direction == transport.Get {
		return p.lender.LendSink(ctx, dst, ext)
	}
	return p.lender.LendSource(ctx, src, ext)
}

// drive pulls or pushes ext.
func (p pair) drive(ctx context.Context, src io.ReaderAt, dst io.WriterAt, ext transport.Extent, ticket transport.Ticket) (transport.Digest, error) {
	if p.direction == transport.Get {
		return p.driver.Push(ctx, src, ext, ticket)
	}
	return p.driver.Pull(ctx, ticket, dst, ext)
}

// mustMove is move of a fresh extent of n bytes that has to succeed, and has to
// bring exactly the source's bytes to exactly their place.
func (p pair) mustMove(t *testing.T, n int) {
	t.Helper()
	src, dst := newFile(n), newRoom(n)
	if err := p.move(deadline(t), src, dst, transport.Extent{Len: n}); err != nil {
		t.Fatalf("moving %d bytes: %v", n, err)
	}
	dst.mustEqual(t, src)
}

// mustLend is lend of n bytes that has to succeed; the files are fresh.
func (p pair) mustLend(t *testing.T, n int) transport.Loan {
	t.Helper()
	loan, err := p.lend(deadline(t), newFile(n), newRoom(n), transport.Extent{Len: n})
	if err != nil {
		t.Fatalf("lending %d bytes: %v", n, err)
	}
	return loan
}

// close closes both ends at once, as the two hosts of a session would.
func (p pair) close(t *testing.T) {
	t.Helper()
	var wg sync.WaitGroup
	for name, end := range map[string]io.Closer{"lender": p.lender, "driver": p.driver} {
		wg.Go(func() { mustClose(t, name, end) })
	}
	wg.Wait()
}

// mustClose closes one end, which has to succeed within seconds.
func mustClose(t *testing.T, name string, end io.Closer) {
	t.Helper()
	start := time.Now()
	if err := end.Close(); err != nil {
		t.Errorf("closing the %s: %v", name, err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("closing the %s took %s", name, took)
	}
}

// deadline is a context that ends with the test or when patience does.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// mustBe fails the test unless err is one of want.
func mustBe(t *testing.T, what string, err error, want ...error) {
	t.Helper()
	for _, w := range want {
		if errors.Is(err, w) {
			return
		}
	}
	t.Errorf("%s: %v; want %v", what, err, errors.Join(want...))
}
