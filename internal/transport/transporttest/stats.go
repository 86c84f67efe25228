//nolint:thelper // a rule is a test that Suite runs, not a helper
package transporttest

import (
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
)

func statsRules() []rule {
	return append(both("stats/add up", statsAddUp), both("stats/failures don't count", statsFailures)...)
}

// What the two ends count is what was moved, to the byte. The suite's files have
// no pages to map and no descriptor to read directly, so a CPU copies all of it.
func statsAddUp(t *testing.T, p pair) {
	var bytes, chunks uint64
	for _, n := range []int{1, 4097, chunkSize, chunkSize - 1} {
		p.mustMove(t, n)
		bytes += uint64(n)
		chunks++
	}
	for name, s := range map[string]transport.Stats{"lender": p.lender.Stats(), "driver": p.driver.Stats()} {
		if s.Bytes != bytes || s.Chunks != chunks {
			t.Errorf("%s counts %d bytes in %d chunks, want %d in %d", name, s.Bytes, s.Chunks, bytes, chunks)
		}
		if s.CopiedBytes != bytes {
			t.Errorf("%s says that it copied %d bytes, want %d", name, s.CopiedBytes, bytes)
		}
	}
	if s := p.driver.Stats(); s.WorkReqs < chunks || s.Completions < chunks {
		t.Errorf("driver counts %d work requests and %d completions for %d chunks", s.WorkReqs, s.Completions, chunks)
	}
	p.statsOutlive(t, bytes)
}

// statsOutlive checks that the figures can still be read after Close: the
// summary of a transfer is made then.
func (p pair) statsOutlive(t *testing.T, bytes uint64) {
	t.Helper()
	p.close(t)
	if l, d := p.lender.Stats().Bytes, p.driver.Stats().Bytes; l != bytes || d != bytes {
		t.Errorf("after Close the lender counts %d bytes and the driver %d, want %d", l, d, bytes)
	}
}

// A chunk whose source or sink failed is not counted as moved at that end.
func statsFailures(t *testing.T, p pair) {
	mustBe(t, "broken source", p.failSource(t, broken{}, 100), transport.ErrSource)
	p.mustMove(t, 4096)
	for name, s := range map[string]transport.Stats{"lender": p.lender.Stats(), "driver": p.driver.Stats()} {
		if s.Bytes != 4096 || s.Chunks != 1 {
			t.Errorf("%s counts %d bytes in %d chunks, want 4096 in 1", name, s.Bytes, s.Chunks)
		}
	}
}
