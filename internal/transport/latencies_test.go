package transport_test

import (
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// What was counted is in the bucket whose bound it does not exceed, and in all above it.
func TestLatencies(t *testing.T) {
	t.Parallel()
	const first = 1 << 14 * time.Nanosecond
	var l transport.Latencies
	for _, d := range []time.Duration{0, first, first + 1, 2 * first, time.Second, time.Minute} {
		l.Add(transport.OnWire, d)
	}
	h := l.Histogram(transport.OnWire)
	if h.Count != 6 || h.Sum != 4*first+1+61*time.Second {
		t.Errorf("%+v", h)
	}
	for bound, want := range map[time.Duration]uint64{first: 2, 2 * first: 4, 1 << 29: 4, 1 << 30: 5, 1 << 33: 5} {
		if got, there := h.Buckets[bound]; got != want || !there {
			t.Errorf("up to %v there are %d, want %d", bound, got, want)
		}
	}
	if len(h.Buckets) != 20 {
		t.Errorf("there are %d bounds", len(h.Buckets))
	}
	if h := l.Histogram(transport.InSink); h.Count != 0 {
		t.Errorf("of another stage there is %+v", h)
	}
}

// To count a chunk allocates nothing.
func TestLatenciesAllocations(t *testing.T) {
	var l transport.Latencies
	if n := testing.AllocsPerRun(10, func() { l.Add(transport.InDigest, time.Millisecond) }); n != 0 {
		t.Errorf("it takes %v allocations", n)
	}
}
