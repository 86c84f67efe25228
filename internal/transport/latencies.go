package transport

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Stage is what a chunk goes through.
type Stage int

// The stages whose latencies are kept.
const (
	InSource Stage = iota
	OnWire
	InSink
	InDigest
	stages
)

// String is the stage's name in metrics.
func (s Stage) String() string { return [stages]string{"source", "wire", "sink", "digest"}[s] }

// The buckets double: up to 16 µs, to 33 µs, and so on to 8.6 s; the last one is for what took longer.
const (
	firstBound = 14 // bits of nanoseconds
	bounds     = 20
)

// Latencies counts how long chunks were in each stage, for all connections of a fabric. It is
// safe for concurrent use; to add one takes two atomic additions. The zero value is ready.
type Latencies struct {
	of [stages]struct {
		buckets [bounds + 1]atomic.Uint64
		sum     atomic.Int64 // nanoseconds
	}
}

// Add counts a chunk that was in a stage for d.
func (l *Latencies) Add(s Stage, d time.Duration) {
	i := bits.Len64(uint64(max(d, 1)-1) >> firstBound) //nolint:gosec // it is not negative
	of := &l.of[s]
	of.buckets[min(i, bounds)].Add(1)
	of.sum.Add(int64(d))
}

// Histogram is how many chunks took how long.
type Histogram struct {
	Count   uint64
	Sum     time.Duration
	Buckets map[time.Duration]uint64 // chunks that took so long at most
}

// Histogram returns what was counted of a stage.
func (l *Latencies) Histogram(s Stage) Histogram {
	of := &l.of[s]
	h := Histogram{Buckets: make(map[time.Duration]uint64, bounds), Sum: time.Duration(of.sum.Load())}
	for i := range of.buckets {
		h.Count += of.buckets[i].Load()
		if i < bounds {
			h.Buckets[1<<(firstBound+i)] = h.Count
		}
	}
	return h
}

// Stages are all of them.
func Stages() [stages]Stage { return [stages]Stage{InSource, OnWire, InSink, InDigest} }
