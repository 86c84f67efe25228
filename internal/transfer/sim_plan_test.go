package transfer_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
)

// The simulated world is a slow one: where everything takes seconds, two things
// hardly ever happen in the same nanosecond, and their order is the seed's.
const (
	second       = time.Second // the unit of all delays
	retry        = 1000 * second
	transmission = time.Microsecond
	keepalive    = 2000 * second
	atMost       = 10000 * second // for a whole copy
)

// scenario is everything that a seed decides.
type scenario struct {
	seed                    uint64
	direction               transport.Direction
	plan                    transfer.Plan
	slots                   int
	lendWindow, driveWindow int
	queue                   int // messages that the control link holds

	wire    memory.Faults
	linkCut int64         // the message at which the control link breaks; 0: never
	kill    memory.Side   // the host that dies; 0: none
	cancel  memory.Side   // the end whose user presses ^C; 0: none
	at      time.Duration // when
	source  diskFault
	sink    diskFault
}

// diskFault says which chunk's access fails, and how; the zero one never.
type diskFault struct {
	kind  diskFaultKind
	chunk int64
}

type diskFaultKind int

const (
	healthy  diskFaultKind = iota
	rawError               // an error that storage didn't class
	ioFault
	noSpace
	shortAccess
)

// draw decides a scenario. Half of all have no fault at all or one that has to
// be survived; the others have one or several.
func draw(seed uint64) scenario {
	rng := rand.New(rand.NewPCG(seed, 7))
	s := scenario{
		seed:        seed,
		direction:   transport.Direction(1 + rng.IntN(2)),
		slots:       1 + rng.IntN(6),
		lendWindow:  1 + rng.IntN(8),
		driveWindow: 1 + rng.IntN(8),
		queue:       rng.IntN(4),
		at:          time.Duration(rng.Int64N(int64(60 * second))),
	}
	s.plan.Chunk = 64 + rng.IntN(449)
	if chunks := rng.IntN(41); chunks > 0 {
		s.plan.Size = int64(chunks*s.plan.Chunk - rng.IntN(s.plan.Chunk))
	}
	s.wire = memory.Faults{Seed: rng.Uint64(), Delay: time.Duration(1+rng.IntN(10)) * second, Retry: retry}
	faults := []func(){
		func() { s.wire.Late = rng.Float64() },
		func() { s.wire.CorruptAt = 1 + rng.Int64N(40) },
		func() { s.wire.Corrupt = rng.Float64() * rng.Float64() },
		func() { s.wire.CutAt = 1 + rng.Int64N(40) },
		func() { s.wire.FailAt = 1 + rng.Int64N(40) },
		func() { s.linkCut = 1 + rng.Int64N(80) },
		func() { s.kill = memory.Side(1 + rng.IntN(2)) },
		func() { s.cancel = memory.Side(1 + rng.IntN(2)) },
		func() {
			s.source = diskFault{[]diskFaultKind{rawError, ioFault, shortAccess}[rng.IntN(3)], rng.Int64N(41)}
		},
		func() {
			s.sink = diskFault{[]diskFaultKind{rawError, ioFault, noSpace, shortAccess}[rng.IntN(4)], rng.Int64N(41)}
		},
	}
	for n := max(0, rng.IntN(5)-1); n > 0; n-- {
		faults[rng.IntN(len(faults))]()
	}
	return s
}

// mayFail is the set of codes that a scenario's faults may lead to.
func (s scenario) mayFail() map[fault.Code]bool {
	codes := map[fault.Code]bool{}
	codes[fault.Lost] = s.wire.CutAt > 0 || s.wire.FailAt > 0 || s.linkCut > 0 || s.kill > 0
	codes[fault.Interrupted] = s.cancel > 0
	codes[fault.Integrity] = s.wire.Corrupt > 0
	codes[fault.IO] = s.source.kind != healthy || s.sink.kind != healthy && s.sink.kind != noSpace
	codes[fault.NoSpace] = s.sink.kind == noSpace
	for code, may := range codes {
		if !may {
			delete(codes, code)
		}
	}
	return codes
}

// String is the scenario for a person who looks into a failure.
func (s scenario) String() string {
	return fmt.Sprintf("seed %d: %s of %d bytes in %d chunks, %d slots, windows %d and %d, queue %d; wire %+v, link cut at %d, kill %d or cancel %d at %s, source %v, sink %v",
		s.seed, s.direction, s.plan.Size, s.plan.Chunks(), s.slots, s.lendWindow, s.driveWindow, s.queue,
		s.wire, s.linkCut, s.kill, s.cancel, s.at, s.source, s.sink)
}
