//go:build linux

package mr

import (
	"testing"
)

// What is pinned is what is exposed: nothing else, and not for longer. Its key and its address are new each time.
func TestRXEExpose(t *testing.T) {
	pd := requireRXE(t)
	before := pinned(t)
	p, err := NewExposing(pd, NewBudget(), 1<<20, 3, slotAccess)
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, p.Close)
	l := acquire(t, p)
	seen := map[uint64]bool{}
	for _, c := range []struct {
		n    int
		want uint64
	}{{1 << 20, 1 << 20}, {1, 4096}, {4097, 8192}} {
		if got := pinned(t) - before; got != 0 {
			t.Errorf("%d bytes are pinned for nobody", got)
		}
		addr, rkey, err := l.Expose(c.n)
		if err != nil {
			t.Fatal(err)
		}
		if got := pinned(t) - before; got != c.want {
			t.Errorf("%d bytes are pinned for %d", got, c.n)
		}
		if seen[addr] || seen[uint64(rkey)] {
			t.Error("the address, or the key, was there before")
		}
		seen[addr], seen[uint64(rkey)] = true, true
		mustClose(t, l.Conceal)
	}
	// What is exposed when the pool goes, goes with it.
	if _, _, err := l.Expose(1); err != nil {
		t.Fatal(err)
	}
	mustClose(t, p.Close)
	if got := pinned(t); got != before {
		t.Errorf("%d bytes stay pinned", got-before)
	}
}
