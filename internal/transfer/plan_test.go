package transfer_test

import (
	"math"
	"testing"

	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
)

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		plan   transfer.Plan
		chunks int64
		last   transport.Extent
	}{
		{transfer.Plan{Size: 1, Chunk: 4096}, 1, transport.Extent{Len: 1}},
		{transfer.Plan{Size: 4095, Chunk: 4096}, 1, transport.Extent{Len: 4095}},
		{transfer.Plan{Size: 4096, Chunk: 4096}, 1, transport.Extent{Len: 4096}},
		{transfer.Plan{Size: 4097, Chunk: 4096}, 2, transport.Extent{Off: 4096, Len: 1}},
		{transfer.Plan{Size: 3, Chunk: 1}, 3, transport.Extent{Off: 2, Len: 1}},
		{transfer.Plan{Size: math.MaxInt64, Chunk: 1 << 20}, 1 << 43, transport.Extent{Off: 1<<63 - 1<<20, Len: 1<<20 - 1}},
	} {
		if got := c.plan.Chunks(); got != c.chunks {
			t.Errorf("%+v: %d chunks, want %d", c.plan, got, c.chunks)
		}
		if got := c.plan.Extent(c.chunks - 1); got != c.last {
			t.Errorf("%+v: last chunk %+v, want %+v", c.plan, got, c.last)
		}
	}
	if got := (transfer.Plan{Chunk: 4096}).Chunks(); got != 0 {
		t.Errorf("an empty file has %d chunks", got)
	}
}

// FuzzPlan checks that the chunks of a plan lie end to end from the file's first
// byte to its last.
func FuzzPlan(f *testing.F) {
	f.Add(int64(0), 1)
	f.Add(int64(4097), 4096)
	f.Add(int64(math.MaxInt64), 8<<20)
	f.Fuzz(func(t *testing.T, size int64, chunk int) {
		if size < 0 || chunk < 1 {
			t.Skip("wire lets no such plan in")
		}
		p := transfer.Plan{Size: size, Chunk: chunk}
		n := p.Chunks()
		if n == 0 {
			if size != 0 {
				t.Fatalf("%+v has no chunks", p)
			}
			return
		}
		for _, i := range []int64{0, n / 2, n - 2, n - 1} {
			if i < 0 {
				continue
			}
			ext := p.Extent(i)
			if ext.Off != i*int64(chunk) || ext.Len < 1 || ext.Len > chunk {
				t.Errorf("%+v: chunk %d is %+v", p, i, ext)
			}
			if i == n-1 && ext.End() != size || i < n-1 && ext.End() != p.Extent(i+1).Off {
				t.Errorf("%+v: chunk %d ends at %d", p, i, ext.End())
			}
		}
	})
}
