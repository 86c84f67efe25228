package memory

import (
	"math/rand/v2"
	"time"
)

// Side is one of the two ends of a connection.
type Side int

// The sides.
const (
	LenderSide Side = 1
	DriverSide Side = 2
)

// Faults says what goes wrong on a fabric. Work requests are counted from 1 over
// the whole fabric; 0 means never.
type Faults struct {
	Seed uint64

	Delay time.Duration // the longest time that lending takes, and a work request to run and again to complete; they overtake each other
	Retry time.Duration // how long a driver tries before it takes its peer for dead

	Corrupt   float64 // share of the work requests whose bytes arrive changed
	CorruptAt int64   // the work request whose bytes arrive changed
	Late      float64 // share of the pushes of which a packet comes again later, changed
	Paged     bool    // sources that are Mapped are lent where they lie, and may be written to meanwhile
	CutAt     int64   // the work request at which the wire is cut, before its bytes move
	CutEvery  int64   // each so many work requests, one at which the connection breaks that it is on; the next one is whole
	FailAt    int64   // the work request that moves its bytes and then completes in error
}

// fate is what happens to one work request.
type fate struct {
	before, after time.Duration
	corrupt, late bool
	again         time.Duration // when the late packet comes
	flip          uint64        // which byte is changed
}

// draw decides the fate of a work request: the try-th one of the extent at off.
func (f Faults) draw(off int64, try uint64) fate {
	rng := rand.New(rand.NewPCG(f.Seed, uint64(off)*31+try))
	return fate{
		before:  f.delay(rng),
		after:   f.delay(rng),
		corrupt: rng.Float64() < f.Corrupt,
		late:    rng.Float64() < f.Late,
		again:   4 * f.delay(rng),
		flip:    rng.Uint64(),
	}
}

// lending is how long it takes to make the extent at off ready to be lent.
func (f Faults) lending(off int64) time.Duration {
	return f.delay(rand.New(rand.NewPCG(f.Seed, uint64(off)*31)))
}

func (f Faults) delay(rng *rand.Rand) time.Duration {
	if f.Delay <= 0 {
		return 0
	}
	return time.Duration(rng.Int64N(int64(f.Delay)))
}
