package tree_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// TestRangesLikeBits holds the set against one bit for each byte.
func TestRangesLikeBits(t *testing.T) {
	const size = 64
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var set tree.Ranges
		var bits [size]bool
		for range rng.IntN(20) {
			off := rng.Int64N(size)
			r := tree.Range{Off: off, Len: rng.Int64N(size - off + 1)}
			set.Add(r)
			for i := r.Off; i < r.End(); i++ {
				bits[i] = true
			}
		}
		if want := listOf(bits[:]); !cmp.Equal(set.List(), want) {
			t.Fatalf("seed %d: %v, want %v", seed, set.List(), want)
		}
		for i := range bits {
			bits[i] = !bits[i]
		}
		if got, want := set.Without([]tree.Range{{Off: 0, Len: size}}), listOf(bits[:]); !cmp.Equal(got, want) {
			t.Fatalf("seed %d: without %v, want %v", seed, got, want)
		}
		if got := set.Bytes() + tree.RangesOf(listOf(bits[:])).Bytes(); got != size {
			t.Fatalf("seed %d: %d bytes in and out of the set", seed, got)
		}
		off := rng.Int64N(size)
		r := tree.Range{Off: off, Len: rng.Int64N(size - off + 1)}
		all := true
		for i := r.Off; i < r.End(); i++ {
			all = all && !bits[i]
		}
		if set.Has(r) != all {
			t.Fatalf("seed %d: has %v of %v: %v", seed, r, set.List(), !all)
		}
	}
}

func listOf(bits []bool) []tree.Range {
	var rs []tree.Range
	for i, b := range bits {
		switch {
		case !b:
		case i > 0 && bits[i-1]:
			rs[len(rs)-1].Len++
		default:
			rs = append(rs, tree.Range{Off: int64(i), Len: 1})
		}
	}
	return rs
}

func TestCoalesce(t *testing.T) {
	rs := []tree.Range{{0, 1}, {2, 1}, {10, 1}, {13, 1}, {16, 1}}
	for n, want := range map[int][]tree.Range{
		9: rs,
		4: {{0, 3}, {10, 1}, {13, 1}, {16, 1}},
		3: {{0, 3}, {10, 1}, {13, 4}},
		2: {{0, 3}, {10, 7}},
		1: {{0, 17}},
	} {
		if got := tree.Coalesce(rs, n); len(got) != len(want) || !tree.RangesOf(got).Has(tree.Range{Off: 13, Len: 1}) || tree.RangesOf(got).Bytes() > tree.RangesOf(want).Bytes() {
			t.Errorf("to %d: %v, want as few bytes as %v", n, got, want)
		}
	}
}

func TestAround(t *testing.T) {
	all := []tree.Range{{10, 10}, {30, 5}, {100, 50}}
	for _, c := range []struct{ r, want tree.Range }{
		{tree.Range{10, 10}, all[0]},
		{tree.Range{12, 3}, all[0]},
		{tree.Range{30, 1}, all[1]},
		{tree.Range{149, 1}, all[2]},
		{tree.Range{5, 6}, tree.Range{5, 6}},     // begins ahead of one
		{tree.Range{19, 2}, tree.Range{19, 2}},   // ends behind one
		{tree.Range{20, 5}, tree.Range{20, 5}},   // between two
		{tree.Range{150, 1}, tree.Range{150, 1}}, // behind all
	} {
		if got := tree.Around(all, c.r); got != c.want {
			t.Errorf("around %v: %v, want %v", c.r, got, c.want)
		}
	}
	if got := tree.Around(nil, tree.Range{1, 2}); got != (tree.Range{1, 2}) {
		t.Errorf("around nothing: %v", got)
	}
}
