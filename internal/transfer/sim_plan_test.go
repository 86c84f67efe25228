package transfer_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// The simulated world is a slow one: where everything takes seconds, two things
// hardly ever happen in the same nanosecond, and their order is the seed's.
const (
	second       = time.Second // the unit of all delays
	retry        = 1000 * second
	transmission = time.Microsecond
	keepalive    = 2000 * second
	atMost       = 50000 * second // for a whole copy
)

// scenario is everything that a seed decides.
type scenario struct {
	seed                    uint64
	direction               transport.Direction
	chunk                   int
	slots                   int // of each rail
	spare                   int // rails beside the one that faults break
	lendWindow, driveWindow int
	queue                   int // messages that the control link holds
	open                    int // files that a sink has in the making at once; 0: as many as it likes
	failFast                bool
	delta                   bool
	source                  *grove
	sinkTrouble             map[int64]trouble
	before                  *disk // what is at the destination
	faults
}

// faults are what goes wrong in one run.
type faults struct {
	wire    memory.Faults
	linkCut int64         // the message at which the control link breaks; 0: never
	kill    memory.Side   // the host that loses power; 0: none
	cancel  memory.Side   // the end whose user presses ^C; 0: none
	at      time.Duration // when
}

// draw decides a scenario. Half of all have no fault at all or one that has to
// be survived; the others have one or several.
func draw(seed uint64) scenario {
	rng := rand.New(rand.NewPCG(seed, 7))
	s := scenario{
		seed:        seed,
		direction:   transport.Direction(1 + rng.IntN(2)),
		chunk:       64 + rng.IntN(449),
		slots:       1 + rng.IntN(6),
		spare:       max(0, rng.IntN(5)-2),
		lendWindow:  1 + rng.IntN(8),
		driveWindow: 1 + rng.IntN(8),
		queue:       rng.IntN(4),
		delta:       rng.IntN(3) == 0,
		open:        rng.IntN(2) * (1 + rng.IntN(8)),
		sinkTrouble: map[int64]trouble{},
	}
	slow := pace{rng.Uint64(), time.Duration(1+rng.IntN(10)) * second}
	s.source = grow(rng, s.chunk, slow)
	s.before = s.clutter(rng)
	s.wire = memory.Faults{Seed: rng.Uint64(), Delay: slow.delay, Retry: retry, Paged: rng.IntN(2) == 0}
	s.at = time.Duration(rng.Int64N(int64(100 * second)))
	choices := append(s.breaks(rng),
		func() { s.wire.Late = rng.Float64() },
		func() { s.wire.CorruptAt = 1 + rng.Int64N(40) },
		func() { s.wire.Corrupt = rng.Float64() * rng.Float64() },
		func() { s.trouble(rng, s.source.trouble, rawError, ioFault, shortRead, changes, gone, torn) },
		func() { s.trouble(rng, s.sinkTrouble, rawError, ioFault, noSpace, shortWrite, noCommit) },
		func() {
			s.source.problem = append(s.source.problem, tree.Problem{Path: "locked", Fault: fault.New(fault.Permission, "reading locked", errRaw, "")})
		},
		func() { s.failFast = true },
	)
	for n := max(0, rng.IntN(5)-1); n > 0; n-- {
		choices[rng.IntN(len(choices))]()
	}
	return s
}

// breaks are the faults that end a whole transfer.
func (s *scenario) breaks(rng *rand.Rand) []func() {
	return []func(){
		func() { s.wire.CutAt = 1 + rng.Int64N(40) },
		func() { s.wire.FailAt = 1 + rng.Int64N(40) },
		func() { s.linkCut = 1 + rng.Int64N(80) },
		func() { s.kill = memory.Side(1 + rng.IntN(2)) },
		func() { s.cancel = memory.Side(1 + rng.IntN(2)) },
	}
}

// trouble makes one file, or a few, fail.
func (s *scenario) trouble(rng *rand.Rand, of map[int64]trouble, kinds ...trouble) {
	files := s.source.files()
	for n := 1 + rng.IntN(2); n > 0 && len(files) > 0; n-- {
		of[files[rng.IntN(len(files))]] = kinds[rng.IntN(len(kinds))]
	}
}

// clutter is a destination that holds some of the files already, as they are or
// with a few bytes changed.
func (s *scenario) clutter(rng *rand.Rand) *disk {
	d := newDisk()
	for _, e := range s.source.entries {
		if e.Kind != tree.File || rng.IntN(3) > 0 {
			continue
		}
		old := stored{append([]byte(nil), s.source.data[e.ID]...), e.Meta}
		if rng.IntN(3) > 0 {
			old.meta.ModTime = old.meta.ModTime.Add(1)
			if n := len(old.data); n > 0 {
				old.data[rng.IntN(n)]++
			}
		}
		d.files[s.source.paths[e.ID]] = old
	}
	return d
}

// mayFail is the set of codes by which faults may end a transfer.
func (s scenario) mayFail() map[fault.Code]bool {
	codes := map[fault.Code]bool{}
	broken := s.spare == 0 && (s.wire.CutAt > 0 || s.wire.FailAt > 0)
	codes[fault.Lost] = broken || s.linkCut > 0 || s.kill > 0
	codes[fault.Interrupted] = s.cancel > 0
	codes[fault.Integrity] = s.wire.Corrupt > 0
	if s.failFast {
		for _, t := range s.failing() {
			codes[t] = true
		}
	}
	for code, may := range codes {
		if !may {
			delete(codes, code)
		}
	}
	return codes
}

// failing are the codes of the problems that are drawn.
func (s scenario) failing() []fault.Code {
	var codes []fault.Code
	for range s.source.problem {
		codes = append(codes, fault.Permission)
	}
	for _, ts := range []map[int64]trouble{s.source.trouble, s.sinkTrouble} {
		for _, t := range ts {
			switch t { //nolint:exhaustive // the others are a source's
			case rawError, ioFault, shortWrite, noCommit:
				codes = append(codes, fault.IO)
			case noSpace:
				codes = append(codes, fault.NoSpace)
			default:
				codes = append(codes, fault.SourceChanged)
			}
		}
	}
	return codes
}

// String is the scenario for a person who looks into a failure.
func (s scenario) String() string {
	return fmt.Sprintf("seed %d: %s of %d entries in chunks of %d, %d slots, %d spare rails, windows %d and %d, queue %d, open %d, delta %v, fail fast %v; wire %+v, link cut at %d, kill %d or cancel %d at %s, source %v, sink %v",
		s.seed, s.direction, len(s.source.entries), s.chunk, s.slots, s.spare, s.lendWindow, s.driveWindow, s.queue, s.open, s.delta, s.failFast,
		s.wire, s.linkCut, s.kill, s.cancel, s.at, s.source.trouble, s.sinkTrouble)
}
