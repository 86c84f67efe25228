package transfer

import (
	"container/heap"
	"context"
	"sync"
	"sync/atomic"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// queue holds the files that wait for a lender to bundle them: the largest first,
// so that no long one is left for the end, and each to its end before the next is
// begun.
type queue struct {
	chunk int64
	wake  chan struct{} // closed and replaced whenever there is something new

	mu     sync.Mutex
	loads  loads
	lastID int64 // of the bundles
	closed bool
}

// bundle is what is lent at a time: some segments, or the next piece of a stream.
type bundle struct {
	id       int64
	segments []Segment
	stream   *load
}

// load is a file, or what is left of it to be bundled.
type load struct {
	id      int64
	size    int64 // of the whole file, for the order
	ranges  []tree.Range
	compare bool
	stream  *stream // not nil: the length is not known
	dropped atomic.Bool

	one [1]tree.Range // the memory of ranges, which most files have one of
}

// newLoad makes a load, which cuts up ranges of its own.
func newLoad(id, size int64, ranges []tree.Range, compare bool) *load {
	l := &load{id: id, size: size, compare: compare}
	l.ranges = append(l.one[:0], ranges...)
	return l
}

// drop has no more of a file bundled, which was given up. Nil is a file of which nothing is.
func (l *load) drop() {
	if l != nil {
		l.dropped.Store(true)
	}
}

// isDropped reports whether drop was called.
func (l *load) isDropped() bool { return l != nil && l.dropped.Load() }

func newQueue(chunk int) *queue {
	return &queue{chunk: int64(chunk), wake: make(chan struct{})}
}

// push adds files, all at once lest the first be sent off alone.
func (q *queue) push(ls []*load) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range ls {
		if len(l.ranges) > 0 || l.stream != nil {
			heap.Push(&q.loads, l)
		}
	}
	q.stir()
}

// close lets those who wait go.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.stir()
}

func (q *queue) stir() {
	close(q.wake)
	q.wake = make(chan struct{})
}

// next returns the next bundle. It waits until there is one, and returns nil once
// the queue is closed.
func (q *queue) next(ctx context.Context) (*bundle, error) {
	for {
		q.mu.Lock()
		var b *bundle
		if segments, l := q.take(); segments != nil || l != nil {
			q.lastID++
			b = &bundle{q.lastID, segments, l}
		}
		closed, wake := q.closed, q.wake
		q.mu.Unlock()
		if b != nil || closed {
			return b, nil
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// number numbers one more offer of a bundle that was made up before.
func (q *queue) number() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lastID++
	return q.lastID
}

// take fills a bundle with what there is. A segment does not cross a multiple of
// the chunk size in its file, so that runs of one file cut it alike.
func (q *queue) take() ([]Segment, *load) {
	var segments []Segment
	room := q.chunk
	for room > 0 && len(segments) < MaxSegments && len(q.loads) > 0 {
		l := q.loads[0]
		if l.dropped.Load() {
			heap.Pop(&q.loads)
			continue
		}
		if l.stream != nil {
			if segments == nil {
				heap.Pop(&q.loads)
				return nil, l
			}
			break
		}
		r := &l.ranges[0]
		n := min(r.Len, q.chunk-r.Off%q.chunk)
		if n > room {
			break
		}
		segments = append(segments, Segment{ID: l.id, Range: tree.Range{Off: r.Off, Len: n}, Compare: l.compare})
		room -= n
		if r.Off, r.Len = r.Off+n, r.Len-n; r.Len == 0 {
			l.ranges = l.ranges[1:]
		}
		if len(l.ranges) == 0 {
			heap.Pop(&q.loads)
		}
	}
	return segments, nil
}

// loads is a heap: the largest file first, of equal ones the first.
type loads []*load

func (ls loads) Len() int { return len(ls) }
func (ls loads) Less(i, j int) bool {
	if ls[i].size != ls[j].size {
		return ls[i].size > ls[j].size
	}
	return ls[i].id < ls[j].id
}
func (ls loads) Swap(i, j int) { ls[i], ls[j] = ls[j], ls[i] }

// Push is heap's.
func (ls *loads) Push(x any) { *ls = append(*ls, x.(*load)) }

// Pop is heap's.
func (ls *loads) Pop() any {
	n := len(*ls) - 1
	last := (*ls)[n]
	(*ls)[n] = nil
	*ls = (*ls)[:n]
	return last
}
