//go:build linux

package rdma_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/rdma"
	"github.com/rdmacp/rdmacp/internal/transport/transporttest"
)

// memory is a source and a sink without a file.
type memory struct{ nowhere }

func (memory) ReadAt(p []byte, _ int64) (int, error) { return len(p), nil }

// A chunk allocates nothing but the loan that the lender hands out (for a sink with a channel and,
// where the push is later than the word of it, a timer: 4 more; and 2 for the registration of its slot),
// whether it goes through a slot or out of a window that is open. What a poller allocates to fall asleep is taken off: under load it finds the
// next completion there.
func TestRXEAllocations(t *testing.T) {
	a, b := twoRails(t)
	const chunk, runs = 128 << 10, 60
	f, err := os.Create(filepath.Join(t.TempDir(), "source"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := f.Truncate(1 << 20); err != nil {
		t.Fatal(err)
	}
	const perSleep = 10
	for _, c := range []struct {
		name    string
		way     transport.Direction
		source  io.ReaderAt
		perLoan float64
	}{
		{"slot", transport.Put, memory{}, 1},
		{"slot", transport.Get, memory{}, 7},
		{"window", transport.Put, cached{f, 1 << 20}, 1},
		{"window", transport.Get, cached{f, 1 << 20}, 7},
	} {
		t.Run(c.way.String()+"/"+c.name, func(t *testing.T) {
			fabric := rdma.New(rdma.Config{})
			s := transport.Setup{Direction: c.way, ChunkSize: chunk, Slots: 4, QPs: 2}
			from, to := s, s
			from.Device, to.Device = a, b
			lender, driver := transporttest.Connect(t, fabric, from, fabric, to)
			e := ends{lender, driver, c.way}
			sleeps := func() uint64 { return lender.Stats().Wakeups + driver.Stats().Wakeups }
			var slept float64
			got := testing.AllocsPerRun(1, func() { // its second call is what counts
				before := sleeps()
				for range runs {
					into(t, e, c.source, memory{}, transport.Extent{Len: chunk})
				}
				slept = float64(sleeps() - before)
			})
			got, slept = got/runs, slept/runs
			t.Logf("%.1f allocations a chunk, %.1f sleeps", got, slept)
			if rest := got - perSleep*slept; rest > c.perLoan+1 {
				t.Errorf("%.1f allocations a chunk, want %.0f and %d for each of %.1f sleeps", got, c.perLoan, perSleep, slept)
			}
			for _, c := range []func() error{lender.Close, driver.Close, fabric.Close} {
				if err := c(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
