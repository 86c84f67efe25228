package tree

import "sort"

// Range is a range of a file's bytes.
type Range struct {
	Off, Len int64
}

// End is the offset of the first byte behind the range.
func (r Range) End() int64 { return r.Off + r.Len }

// Ranges is a set of bytes: disjoint ranges in ascending order that do not touch
// one another. The zero value is the empty set.
type Ranges struct {
	list []Range
}

// RangesOf returns the set of all bytes in rs, in any order.
func RangesOf(rs []Range) *Ranges {
	var s Ranges
	for _, r := range rs {
		s.Add(r)
	}
	return &s
}

// Add adds r to the set.
func (s *Ranges) Add(r Range) {
	if r.Len <= 0 {
		return
	}
	// lo is the first that touches r or lies behind it, hi the first that is
	// wholly behind.
	lo := sort.Search(len(s.list), func(i int) bool { return s.list[i].End() >= r.Off })
	hi := lo
	for hi < len(s.list) && s.list[hi].Off <= r.End() {
		hi++
	}
	if hi > lo {
		end := max(r.End(), s.list[hi-1].End())
		r.Off = min(r.Off, s.list[lo].Off)
		r.Len = end - r.Off
		s.list[lo] = r
		s.list = append(s.list[:lo+1], s.list[hi:]...)
		return
	}
	s.list = append(s.list, Range{})
	copy(s.list[lo+1:], s.list[lo:])
	s.list[lo] = r
}

// Around is the one of several ranges, in ascending order, that r lies in; r if it lies in none.
func Around(all []Range, r Range) Range {
	i := sort.Search(len(all), func(i int) bool { return all[i].End() > r.Off })
	if i < len(all) && all[i].Off <= r.Off && all[i].End() >= r.End() {
		return all[i]
	}
	return r
}

// Has reports whether every byte of r is in the set.
func (s *Ranges) Has(r Range) bool {
	if r.Len <= 0 {
		return true
	}
	i := sort.Search(len(s.list), func(i int) bool { return s.list[i].End() > r.Off })
	return i < len(s.list) && s.list[i].Off <= r.Off && s.list[i].End() >= r.End()
}

// Bytes returns how many bytes are in the set.
func (s *Ranges) Bytes() int64 {
	var n int64
	for _, r := range s.list {
		n += r.Len
	}
	return n
}

// List returns the ranges. The caller does not change them.
func (s *Ranges) List() []Range { return s.list }

// Without returns the bytes of from that are not in the set. From is in ascending
// order.
func (s *Ranges) Without(from []Range) []Range {
	var left []Range
	for _, r := range from {
		i := sort.Search(len(s.list), func(i int) bool { return s.list[i].End() > r.Off })
		for ; i < len(s.list) && s.list[i].Off < r.End(); i++ {
			if have := s.list[i]; have.Off > r.Off {
				left = append(left, Range{r.Off, have.Off - r.Off})
			}
			off := min(s.list[i].End(), r.End())
			r = Range{off, r.End() - off}
		}
		if r.Len > 0 {
			left = append(left, r)
		}
	}
	return left
}

// Coalesce joins ranges across their smallest gaps until there are at most n. The
// ranges are in ascending order and are not changed.
func Coalesce(rs []Range, n int) []Range {
	if len(rs) <= n || n < 1 {
		return rs
	}
	gaps := make([]int64, 0, len(rs)-1)
	for i := 1; i < len(rs); i++ {
		gaps = append(gaps, rs[i].Off-rs[i-1].End())
	}
	sort.Slice(gaps, func(i, j int) bool { return gaps[i] > gaps[j] })
	keep := n - 1 // that many of the widest gaps stay
	var limit int64
	if keep > 0 {
		limit = gaps[keep-1]
	} else {
		limit = gaps[0] + 1
	}
	wider := 0
	for _, g := range gaps {
		if g > limit {
			wider++
		}
	}
	equal := keep - wider // of those that are just as wide as the limit
	joined := []Range{rs[0]}
	for _, r := range rs[1:] {
		last := &joined[len(joined)-1]
		gap := r.Off - last.End()
		if gap > limit || gap == limit && equal > 0 {
			if gap == limit {
				equal--
			}
			joined = append(joined, r)
			continue
		}
		last.Len = r.End() - last.Off
	}
	return joined
}
