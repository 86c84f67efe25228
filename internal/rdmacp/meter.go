package rdmacp

import (
	"sync/atomic"
	"time"
)

// rateWindow is the time that a rate is the mean of: long enough to be read,
// short enough to show a stall.
const rateWindow = 5 * time.Second

// meter counts the bytes of a copy. Sample and start are called from one goroutine,
// the rest from any.
type meter struct {
	total  atomic.Int64 // bytes, as far as is known: it grows while trees are walked
	done   atomic.Int64
	files  atomic.Int64 // that are known to be wanted
	ended  atomic.Int64 // those of them that are in place
	points []point      // of the last rateWindow, and one before
}

// point is what was done at a time.
type point struct {
	at   time.Time
	done int64
}

// sample is what a meter shows.
type sample struct {
	Done, Total      int64
	FilesDone, Files int64
	Rate             float64       // bytes a second, over the last rateWindow; 0 while not known
	Left             time.Duration // until it is done at this rate; below 0 while not known
}

// start begins a copy.
func (m *meter) start(now time.Time) { m.points = append(m.points[:0], point{now, m.done.Load()}) }

// expect adds files and bytes to those that are to come.
func (m *meter) expect(files, bytes int64) {
	m.files.Add(files)
	m.total.Add(bytes)
}

// add counts n bytes that arrived.
func (m *meter) add(n int64) { m.done.Add(n) }

// finish counts a file that is in place.
func (m *meter) finish() { m.ended.Add(1) }

// anew forgets what was expected: it will be told again.
func (m *meter) anew() {
	m.total.Store(m.done.Load())
	m.files.Store(m.ended.Load())
}

// sample reads the meter.
func (m *meter) sample(now time.Time) sample {
	// A stream's length is not known, and chunks that were moved twice may add up
	// to more than there is.
	done := m.done.Load()
	total := m.total.Load()
	s := sample{Done: done, Total: max(total, done), FilesDone: m.ended.Load(), Files: m.files.Load(), Left: -1}
	for len(m.points) > 1 && now.Sub(m.points[1].at) >= rateWindow {
		m.points = m.points[1:]
	}
	first := m.points[0]
	m.points = append(m.points, point{now, s.Done})
	if d := now.Sub(first.at); d > 0 {
		s.Rate = float64(s.Done-first.done) / d.Seconds()
	}
	if s.Rate > 0 {
		s.Left = time.Duration(float64(s.Total-s.Done) / s.Rate * float64(time.Second))
	}
	return s
}
