//go:build linux

package host

import (
	"math"
	"time"
)

// tscSample is the counter and the time at one moment.
type tscSample struct {
	ticks int64
	at    time.Time
}

// sampleTSC reads both as close together as a busy machine lets it.
func sampleTSC() tscSample {
	var best tscSample
	closest := int64(math.MaxInt64)
	for range 20 {
		before := ticks()
		at := time.Now()
		after := ticks()
		if apart := after - before; apart < closest {
			closest, best = apart, tscSample{ticks: before + apart/2, at: at}
		}
	}
	return best
}

// kHz returns the counter's rate since the sample, for which it waits a little if there was too little time.
//
// A guest has to be told: it would measure the rate itself, against an emulated timer, and on a busy host find one
// that is several times too low. Its clock would then run several times too fast, and every timeout with it.
func (s tscSample) kHz() int64 {
	time.Sleep(20*time.Millisecond - time.Since(s.at))
	now := sampleTSC()
	return (now.ticks - s.ticks) * int64(time.Millisecond) / int64(now.at.Sub(s.at))
}
