package rdmacp

import (
	"sync/atomic"
	"time"
)

// rateWindow is the time that a rate is the mean of: long enough to be read,
// short enough to show a stall.
const rateWindow = 5 * time.Second

// meter counts the bytes of a copy. add may be called from any goroutine, the
// rest from one.
type meter struct {
	total  int64
	done   atomic.Int64
	points []point // of the last rateWindow, and one before
}

// point is what was done at a time.
type point struct {
	at   time.Time
	done int64
}

// sample is what a meter shows.
type sample struct {
	Done, Total int64
	Rate        float64       // bytes a second, over the last rateWindow; 0 while not known
	Left        time.Duration // until it is done at this rate; below 0 while not known
}

// start begins a copy of total bytes.
func (m *meter) start(now time.Time, total int64) {
	m.total = total
	m.points = append(m.points[:0], point{now, 0})
}

// add counts n bytes that arrived.
func (m *meter) add(n int64) { m.done.Add(n) }

// sample reads the meter.
func (m *meter) sample(now time.Time) sample {
	// Chunks that were moved twice may add up to more than there is.
	s := sample{Done: min(m.done.Load(), m.total), Total: m.total, Left: -1}
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
