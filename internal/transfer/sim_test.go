package transfer_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/rdmacp/rdmacp/internal/transport/memory"
)

// TestSimulation runs whole copies, client and daemon, over a fabric, a control
// link and disks that fail as a seed decides, in virtual time, and checks after
// each that nothing was promised that isn't so.
//
// RDMACP_SIM_SEEDS is the number of seeds and RDMACP_SIM_SEED the first one.
func TestSimulation(t *testing.T) {
	first, count := envInt(t, "RDMACP_SIM_SEED", 1), envInt(t, "RDMACP_SIM_SEEDS", defaultSeeds())
	shards := uint64(runtime.GOMAXPROCS(0))
	var mu sync.Mutex
	endings := map[string]int{}
	t.Cleanup(func() { t.Logf("%d seeds from %d on: %v", count, first, endings) })
	for shard := range shards {
		t.Run(fmt.Sprintf("shard %d", shard), func(t *testing.T) {
			t.Parallel()
			for seed := first + shard; seed < first+count && !t.Failed(); seed += shards {
				ending := class(simulate(t, seed))
				mu.Lock()
				endings[ending]++
				mu.Unlock()
			}
		})
	}
}

// TestSimulationRepeats runs seeds twice: a failure can be replayed only if the
// same seed ends the same way, to the nanosecond of virtual time. Once in some
// thousand runs, goroutines that wake at the same instant still go in another order,
// and a copy ends a little later: a replay that is repeated finds its failure all the same.
func TestSimulationRepeats(t *testing.T) {
	const seeds, atMost = 500, 2
	differ := 0
	for seed := range uint64(seeds) {
		a, b := simulate(t, seed), simulate(t, seed)
		if a != b {
			differ++
			t.Logf("seed %d ended in two ways: %s; %s", seed, a, b)
		}
	}
	if differ > atMost {
		t.Errorf("%d of %d seeds ended in two ways, want at most %d", differ, seeds, atMost)
	}
}

// simulate runs one seed in a bubble of its own and returns how it ended.
func simulate(t *testing.T, seed uint64) (result string) {
	t.Helper()
	passed := false
	defer func() {
		if !passed { // or not come to an end at all: a bubble that deadlocks panics
			fmt.Fprintf(os.Stderr, "replay: RDMACP_SIM_SEED=%d RDMACP_SIM_SEEDS=1 go test -count=1 -run 'TestSimulation$' ./internal/transfer\n", seed)
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		result = runs(t, draw(seed))
		passed = !t.Failed()
	})
	return result
}

// runs copies with the faults that are drawn; where that fails, it copies again as
// a user would, and the last time nothing is in the way.
func runs(t *testing.T, s scenario) string {
	t.Helper()
	w := newWorld(s, s.before.clone())
	w.run(t)
	w.check(t)
	result := w.ending()
	if w.client.err == nil {
		return result
	}
	rng := rand.New(rand.NewPCG(s.seed, 8))
	calm := faults{wire: memory.Faults{Seed: rng.Uint64(), Delay: s.wire.Delay, Retry: retry, Paged: s.wire.Paged}, at: s.at}
	exact := w.kill == 0 && len(s.failing()) == 0
	brought := w.brought()
	if rng.IntN(2) == 0 {
		exact = false
		s.faults = calm
		s.breaks(rng)[rng.IntN(5)]()
		w = newWorld(s, w.plot.disk)
		w.run(t)
		w.check(t)
	}
	s.faults, s.sinkTrouble, s.failFast = calm, nil, false
	s.source.trouble, s.source.problem = nil, nil
	w = newWorld(s, w.plot.disk)
	w.run(t)
	w.check(t)
	if exact {
		w.checkResumed(t, brought)
	}
	return result
}

func defaultSeeds() uint64 {
	if testing.Short() || raceEnabled {
		return 1000
	}
	return 10000
}

func envInt(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
