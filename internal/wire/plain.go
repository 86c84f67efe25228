package wire

import (
	"errors"
	"fmt"

	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/tree"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// A tree of small files is made of words that say no more than a number or two of
// each file. Packed, they take no message of their own at either end, and each of
// those would be made, measured, parsed and collected.

var errOdd = errors.New("numbers that don't come out even")

// split packs the plain ones that come first, and makes messages of the rest.
func split[V, M any](vs []V, plain func(to []uint64, v *V) []uint64, from func(V) M) (numbers []uint64, ms []M) {
	for i := range vs {
		if numbers == nil {
			numbers = make([]uint64, 0, 2*len(vs))
		}
		more := plain(numbers, &vs[i])
		if more == nil {
			return numbers, each(vs[i:], from)
		}
		numbers = more
	}
	return numbers, nil
}

// unpack turns numbers, each of them at a time, into values.
func unpack[V any](what string, numbers []uint64, each, most int, to func([]uint64) (V, error)) ([]V, error) {
	if len(numbers)%each != 0 || len(numbers)/each > most {
		return nil, fmt.Errorf("%s: %w: %d of at most %d times %d", what, errOdd, len(numbers), most, each)
	}
	vs := make([]V, 0, len(numbers)/each)
	for ; len(numbers) > 0; numbers = numbers[each:] {
		v, err := to(numbers[:each])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		vs = append(vs, v)
	}
	return vs, nil
}

// joined returns the plain ones, and behind them the others.
func joined[M, V any](what string, numbers []uint64, each int, to func([]uint64) (V, error), ms []M, from func(M) (V, error)) ([]V, error) {
	if len(numbers) == 0 {
		return all(what, ms, MaxItems, from)
	}
	vs, err := unpack(what, numbers, each, MaxItems, to)
	if err != nil {
		return nil, err
	}
	others, err := all(what, ms, MaxItems-len(vs), from)
	return append(vs, others...), err
}

// splitVerdicts packs all that are plain: among those of files are those of the
// directories that they are in.
func splitVerdicts(vs []tree.Verdict) (numbers []uint64, ms []*pb.Verdict) {
	last := int64(0)
	for i := range vs {
		v := &vs[i]
		if v.ID <= last { // not in the order in which they are put together again
			return nil, each(vs, fromVerdict)
		}
		last = v.ID
		if v.Answer != tree.Want || v.Change != tree.New || len(v.Ranges) != 1 || v.Ranges[0].Off != 0 ||
			v.Compare || v.Resumed != 0 || v.Restarted != "" {
			ms = append(ms, fromVerdict(*v))
			continue
		}
		if numbers == nil {
			numbers = make([]uint64, 0, 2*(len(vs)-i))
		}
		numbers = append(numbers, uint64(v.ID), uint64(v.Ranges[0].Len))
	}
	return numbers, ms
}

// toVerdicts puts plain verdicts among the others: both are in the order of the
// entries, in which people are told of them.
func (f faults) toVerdicts(m *pb.Batch) ([]tree.Verdict, error) {
	others, err := all("verdicts", m.GetVerdicts(), MaxItems, f.toVerdict)
	if err != nil || len(m.GetWanted()) == 0 {
		return others, err
	}
	plain, err := unpackVerdicts(m.GetWanted())
	if err != nil || len(others) == 0 {
		return plain, err
	}
	vs := make([]tree.Verdict, 0, len(plain)+len(others))
	for len(plain) > 0 && len(others) > 0 {
		from := &others
		if plain[0].ID < others[0].ID {
			from = &plain
		}
		vs, *from = append(vs, (*from)[0]), (*from)[1:]
	}
	return append(append(vs, plain...), others...), nil
}

func unpackVerdicts(numbers []uint64) ([]tree.Verdict, error) {
	ranges := make([]tree.Range, 0, len(numbers)/2) // one list for all, of which each has its piece
	return unpack("verdicts", numbers, 2, MaxItems, func(n []uint64) (tree.Verdict, error) {
		id, size := int64(n[0]), n[1]
		if id <= 0 || size == 0 || size > MaxSize {
			return tree.Verdict{}, fmt.Errorf("%d bytes of entry %d", size, id)
		}
		ranges = append(ranges, tree.Range{Len: int64(size)})
		i := len(ranges)
		return tree.Verdict{ID: id, Answer: tree.Want, Change: tree.New, Ranges: ranges[i-1 : i : i]}, nil
	})
}

func plainSeal(to []uint64, s *tree.Seal) []uint64 {
	if s.Fault != nil || s.Whole != nil {
		return nil
	}
	return append(to, uint64(s.ID), uint64(s.Size))
}

func toPlainSeal(n []uint64) (tree.Seal, error) {
	s := tree.Seal{ID: int64(n[0]), Size: int64(n[1])}
	if s.ID <= 0 || n[1] > MaxSize {
		return s, fmt.Errorf("entry %d with %d bytes", s.ID, n[1])
	}
	return s, nil
}

func plainOutcome(to []uint64, o *transfer.Outcome) []uint64 {
	if o.Fault != nil {
		return nil
	}
	return append(to, uint64(o.ID))
}

func toPlainOutcome(n []uint64) (transfer.Outcome, error) {
	o := transfer.Outcome{ID: int64(n[0])}
	if o.ID <= 0 {
		return o, fmt.Errorf("entry %d", o.ID)
	}
	return o, nil
}

// plainSegments packs segments; nil if one of them is to be compared.
func plainSegments(segments []transfer.Segment) []uint64 {
	numbers := make([]uint64, 0, 3*len(segments))
	for i := range segments {
		s := &segments[i]
		if s.Compare {
			return nil
		}
		numbers = append(numbers, uint64(s.ID), uint64(s.Off), uint64(s.Len))
	}
	return numbers
}

func toPlainSegments(numbers []uint64) ([]transfer.Segment, error) {
	return unpack("segments", numbers, 3, MaxSegments, func(n []uint64) (transfer.Segment, error) {
		return segmentOf(n[0], n[1], n[2])
	})
}
