package wire_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/tree"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// plainBatch is what a tree of small files is made of, with a few words that are not
// plain among the others.
func plainBatch() transfer.Batch {
	want := func(id int64, r ...tree.Range) tree.Verdict {
		return tree.Verdict{ID: id, Answer: tree.Want, Change: tree.New, Ranges: r}
	}
	const long = wire.MaxSize
	first, second := tree.Range{Len: 5}, tree.Range{Off: 1, Len: 5}
	return transfer.Batch{
		Verdicts: []tree.Verdict{
			{ID: 1, Answer: tree.Done, Change: tree.New},
			want(2, first), want(3, first),
			{ID: 4, Answer: tree.Skip},
			want(5, second), want(6), want(7, tree.Range{Len: long}), want(8, tree.Range{Len: 1}, second),
		},
		Seals:    []tree.Seal{{ID: 2, Size: 5}, {ID: 6}, {ID: 7, Size: long}, {ID: 3, Size: 5, Whole: make1(32)}},
		Offers:   []transfer.Offer{{ID: 1, Segments: []transfer.Segment{{ID: 2, Range: first}, {Range: second}}}},
		Outcomes: []transfer.Outcome{{ID: 2}, {ID: 3}},
	}
}

// What is plain has no message of its own, and comes out as it went in, in its order.
func TestPlain(t *testing.T) {
	t.Parallel()
	m := wire.FromBatch(plainBatch())
	if len(m.GetVerdicts()) != 5 || len(m.GetSeals()) != 1 || len(m.GetOutcomes()) != 0 || len(m.GetOffers()[0].GetSegments()) != 0 {
		t.Errorf("it is sent as %v", m)
	}
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var read pb.Batch
	if err := proto.Unmarshal(b, &read); err != nil {
		t.Fatal(err)
	}
	got, err := wire.ToBatch(&read, "host")
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, plainBatch())
}

func TestToPlain(t *testing.T) {
	offer := func(numbers ...uint64) func(m *pb.Batch) {
		return func(m *pb.Batch) { m.Offers[0].Segments, m.Offers[0].Plain = nil, numbers }
	}
	wanted := func(numbers ...uint64) func(m *pb.Batch) { return func(m *pb.Batch) { m.Wanted = numbers } }
	sealed := func(numbers ...uint64) func(m *pb.Batch) { return func(m *pb.Batch) { m.Sealed = numbers } }
	placed := func(numbers ...uint64) func(m *pb.Batch) { return func(m *pb.Batch) { m.Placed = numbers } }
	many := func(n int, numbers ...uint64) []uint64 {
		all := make([]uint64, 0, n*len(numbers))
		for range n {
			all = append(all, numbers...)
		}
		return all
	}
	try(t, validBatch, parseBatch, []change[*pb.Batch]{
		{"wanted", wanted(2, 1), true},
		{"wanted ID alone", wanted(2), false},
		{"wanted ID 0", wanted(0, 1), false},
		{"wanted ID 2^63", wanted(1<<63, 1), false},
		{"wanted nothing", wanted(2, 0), false},
		{"wanted max", wanted(2, wire.MaxSize), true},
		{"wanted max+1", wanted(2, wire.MaxSize+1), false},
		{"wanted items max+1", wanted(many(wire.MaxItems+1, 2, 1)...), false},
		{"sealed", sealed(2, 0), true},
		{"sealed ID alone", sealed(2), false},
		{"sealed ID 0", sealed(0, 1), false},
		{"sealed ID 2^63", sealed(1<<63, 1), false},
		{"sealed size max+1", sealed(2, wire.MaxSize+1), false},
		{"sealed items max with others", sealed(many(wire.MaxItems, 2, 1)...), false},
		{"placed", placed(2), true},
		{"placed ID 0", placed(0), false},
		{"placed ID 2^63", placed(1 << 63), false},
		{"segment", offer(1, 5, 4096), true},
		{"segment of nothing", offer(0, 5, 4096), true},
		{"segment of two numbers", offer(1, 5), false},
		{"segment ID 2^63", offer(1<<63, 5, 4096), false},
		{"segment offset max+1", offer(1, wire.MaxSize+1, 4096), false},
		{"segment length 0", offer(1, 5, 0), false},
		{"segment length max+1", offer(1, 5, wire.MaxChunk+1), false},
		{"segment length 2^32+1", offer(1, 5, 1<<32+1), false},
		{"segments max", offer(many(wire.MaxSegments, 1, 5, 16)...), true},
		{"segments max+1", offer(many(wire.MaxSegments+1, 1, 5, 16)...), false},
		{"both", func(m *pb.Batch) { m.Offers[0].Plain = []uint64{1, 5, 4096} }, false},
	})
}
