package transfer

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// TestQueuePacks: large files go first and are cut at multiples of the chunk size,
// small ones go together.
func TestQueuePacks(t *testing.T) {
	q := newQueue(100)
	file := func(id, size int64, ranges ...tree.Range) *load {
		if ranges == nil {
			ranges = []tree.Range{{Off: 0, Len: size}}
		}
		return &load{id: id, size: size, ranges: ranges}
	}
	q.push([]*load{
		file(1, 10), file(2, 250), file(3, 30), file(4, 100),
		file(5, 1000, tree.Range{Off: 150, Len: 100}, tree.Range{Off: 990, Len: 10}),
		{id: 6, size: 0}, // nothing of it is wanted
	})
	q.close()
	var got []string
	for {
		b, err := q.next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			break
		}
		var s []string
		for _, g := range b.segments {
			s = append(s, fmt.Sprintf("%d:%d+%d", g.ID, g.Off, g.Len))
		}
		got = append(got, strings.Join(s, " "))
	}
	want := []string{"5:150+50 5:200+50", "5:990+10", "2:0+100", "2:100+100", "2:200+50", "4:0+100", "3:0+30 1:0+10"}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("bundles %q, want %q", got, want)
	}
}

// TestQueueManySmall: a bundle has a limit of segments.
func TestQueueManySmall(t *testing.T) {
	q := newQueue(1 << 20)
	var ls []*load
	for i := range int64(MaxSegments + 1) {
		ls = append(ls, &load{id: i + 1, size: 1, ranges: []tree.Range{{Off: 0, Len: 1}}})
	}
	q.push(ls)
	for _, want := range []int{MaxSegments, 1} {
		b, err := q.next(t.Context())
		if err != nil || len(b.segments) != want {
			t.Fatalf("%d segments, %v; want %d", len(b.segments), err, want)
		}
	}
}
