//nolint:thelper // the functions given to run are tests, not helpers
package memory_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/transport/transporttest"
)

// sink is a file in memory.
type sink []byte

func (s sink) WriteAt(b []byte, off int64) (int, error) { return copy(s[off:], b), nil }

var (
	source = bytes.NewReader(bytes.Repeat([]byte("RDMA"), 25))
	whole  = transport.Extent{Len: 100}
)

// pair is a connection over a fabric.
type pair struct {
	fabric *memory.Fabric
	lender transport.Lender
	driver transport.Driver
}

// run runs test over a fabric with faults f, in virtual time.
func run(t *testing.T, f memory.Faults, d transport.Direction, test func(t *testing.T, p pair)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := pair{fabric: memory.New(f)}
		s := transport.Setup{Direction: d, ChunkSize: 100, Slots: 1, QPs: 1}
		p.lender, p.driver = transporttest.Connect(t, p.fabric, s, p.fabric, s)
		test(t, p)
		if err := errors.Join(p.lender.Close(), p.driver.Close()); err != nil {
			t.Error(err)
		}
	})
}

// push pushes whole into a fresh loan.
func (p pair) push(t *testing.T, dst sink) (transport.Loan, transport.Digest, error) {
	t.Helper()
	loan, err := p.lender.LendSink(t.Context(), dst, whole)
	if err != nil {
		t.Fatal(err)
	}
	d, err := p.driver.Push(t.Context(), source, whole, loan.Ticket())
	return loan, d, err
}

// Bytes that are changed on the wire give another digest at the end that they
// arrive at.
func TestCorrupt(t *testing.T) {
	run(t, memory.Faults{Corrupt: 1}, transport.Put, func(t *testing.T, p pair) {
		loan, err := p.lender.LendSource(t.Context(), source, whole)
		if err != nil {
			t.Fatal(err)
		}
		read, err := loan.Settle(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		arrived, err := p.driver.Pull(t.Context(), loan.Ticket(), make(sink, 100), whole)
		if err != nil || read == arrived {
			t.Errorf("digests %s and %s, error %v", read, arrived, err)
		}
	})
	run(t, memory.Faults{CorruptAt: 1}, transport.Get, func(t *testing.T, p pair) {
		for i := range 2 {
			loan, sent, err := p.push(t, make(sink, 100))
			if err != nil {
				t.Fatal(err)
			}
			arrived, err := loan.Settle(t.Context())
			if err != nil || (sent == arrived) != (i == 1) {
				t.Errorf("push %d: digests %s and %s, error %v", i, sent, arrived, err)
			}
			loan.Return()
		}
	})
}

// A packet that comes when its loan has ended does not land in the slot's next
// loan.
func TestLatePacket(t *testing.T) {
	run(t, memory.Faults{Late: 1, Delay: time.Second}, transport.Get, func(t *testing.T, p pair) {
		dst := make(sink, 100)
		for range 20 {
			loan, sent, err := p.push(t, dst)
			if err != nil {
				t.Fatal(err)
			}
			if arrived, err := loan.Settle(t.Context()); err != nil || sent != arrived {
				t.Fatalf("digests %s and %s, error %v", sent, arrived, err)
			}
			loan.Return()
		}
		time.Sleep(time.Minute)
		if p.fabric.LatePackets() != 20 {
			t.Errorf("%d late packets, want 20", p.fabric.LatePackets())
		}
	})
}

// A completion in error breaks the connection at both ends.
func TestFailAt(t *testing.T) {
	run(t, memory.Faults{FailAt: 1}, transport.Get, func(t *testing.T, p pair) {
		_, _, err := p.push(t, make(sink, 100))
		if !errors.Is(err, transport.ErrLost) {
			t.Errorf("push: %v", err)
		}
		if _, err := p.lender.LendSink(t.Context(), nil, whole); !errors.Is(err, transport.ErrLost) {
			t.Errorf("lending: %v", err)
		}
	})
}

// When the wire is cut, or the lender's host dies, the driver learns after its
// retries. A lender never learns: its Settle waits until it is given up.
func TestSilence(t *testing.T) {
	const retry = time.Minute
	silent := func(t *testing.T, p pair) {
		start := time.Now()
		loan, _, err := p.push(t, make(sink, 100))
		if !errors.Is(err, transport.ErrLost) || time.Since(start) < retry {
			t.Errorf("push: %v after %s", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := loan.Settle(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("settle: %v", err)
		}
	}
	run(t, memory.Faults{CutAt: 1, Retry: retry}, transport.Get, silent)
	run(t, memory.Faults{Delay: 30 * time.Second, Retry: retry}, transport.Get, func(t *testing.T, p pair) {
		loan, err := p.lender.LendSink(t.Context(), make(sink, 100), whole)
		if err != nil {
			t.Fatal(err)
		}
		p.fabric.Kill(memory.LenderSide)
		if _, err := p.driver.Push(t.Context(), source, whole, loan.Ticket()); !errors.Is(err, transport.ErrLost) {
			t.Errorf("push to a dead host: %v", err)
		}
	})
}

// A slot that was returned holds poison, and its ticket reaches nothing.
func TestReturned(t *testing.T) {
	run(t, memory.Faults{}, transport.Put, func(t *testing.T, p pair) {
		loan, err := p.lender.LendSource(t.Context(), source, whole)
		if err != nil {
			t.Fatal(err)
		}
		loan.Return()
		dst := make(sink, 100)
		if _, err := p.driver.Pull(t.Context(), loan.Ticket(), dst, whole); !errors.Is(err, transport.ErrLost) {
			t.Errorf("pull of a returned loan: %v", err)
		}
		if !bytes.Equal(dst, make([]byte, 100)) {
			t.Error("pull of a returned loan moved bytes")
		}
	})
}
