// Package memory is a fabric inside one process, for tests and simulation.
//
// It keeps the rules that RDMA hardware keeps: queue pairs have numbers and
// first PSNs that have to match, memory is reached by key and address only and
// in the direction that it was lent for, and the first error breaks a
// connection for good. It is stricter where hardware can't be: a slot that was
// returned is poisoned, and a ticket of an earlier generation reaches nothing.
//
// A passive end hears of nothing but what is done to its memory: when its peer
// dies or the wire is cut, a lender waits on, as it does with real queue pairs.
//
// Faults are drawn from a seed and the identity of a work request (its extent,
// and how often that was tried), never from the order in which goroutines
// happen to run, so that under testing/synctest a seed gives the same run again.
package memory

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// Fabric connects lenders and drivers of this process. It implements
// transport.Fabric.
type Fabric struct {
	faults Faults
	steps  atomic.Int64 // work requests so far
	late   atomic.Int64 // late packets that came too late

	mu   sync.Mutex
	rng  *rand.Rand      // names: queue pairs, keys, addresses
	ends map[uint32]*end // by queue pair number
	dead map[Side]chan struct{}
}

// New makes a fabric with the faults f; the zero Faults has none.
func New(f Faults) *Fabric {
	return &Fabric{
		faults: f,
		rng:    rand.New(rand.NewPCG(f.Seed, 0)),
		ends:   map[uint32]*end{},
		dead:   map[Side]chan struct{}{LenderSide: make(chan struct{}), DriverSide: make(chan struct{})},
	}
}

// PrepareLender makes the passive end of a connection, not connected yet.
func (f *Fabric) PrepareLender(ctx context.Context, s transport.Setup) (transport.Pending[transport.Lender], error) {
	e, err := f.prepare(ctx, LenderSide, s)
	if err != nil {
		return nil, err
	}
	e.lender = newLender(f, s)
	return &pending[transport.Lender]{end: e, finish: func(peer *end) transport.Lender {
		e.lender.driver.Store(peer)
		return e.lender
	}}, nil
}

// PrepareDriver makes the active end of a connection, not connected yet.
func (f *Fabric) PrepareDriver(ctx context.Context, s transport.Setup) (transport.Pending[transport.Driver], error) {
	e, err := f.prepare(ctx, DriverSide, s)
	if err != nil {
		return nil, err
	}
	return &pending[transport.Driver]{end: e, finish: func(peer *end) transport.Driver {
		return newDriver(f, e, peer.lender)
	}}, nil
}

// prepare makes an end and registers its queue pairs.
func (f *Fabric) prepare(ctx context.Context, side Side, s transport.Setup) (*end, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.ChunkSize < 1 || s.Slots < 1 || s.Slots > 1<<16 || s.QPs < 0 {
		return nil, errors.New("memory: set-up without chunk size or slots, or with too many")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	e := &end{fabric: f, side: side, setup: s}
	for range max(s.QPs, 1) {
		number := f.rng.Uint32N(1<<24-2) + 2 // 0 and 1 are reserved
		for f.ends[number] != nil {
			number++
		}
		f.ends[number] = e
		e.qps = append(e.qps, transport.QP{Number: number, PSN: f.rng.Uint32N(1 << 24)})
	}
	return e, nil
}

// name draws a key and an address for a lender's memory.
func (f *Fabric) name() (key uint32, addr uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rng.Uint32() | 1, f.rng.Uint64N(1<<47) &^ 4095
}

// forget takes an end's queue pairs off the fabric.
func (f *Fabric) forget(e *end) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, qp := range e.qps {
		if f.ends[qp.Number] == e {
			delete(f.ends, qp.Number)
		}
	}
}

// Kill takes one side's hosts down, as a power cut would: their calls never
// return by themselves, and their peers' calls find nobody.
func (f *Fabric) Kill(side Side) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !over(f.dead[side]) {
		close(f.dead[side])
	}
}

// LatePackets is the number of packets that came after their loan had ended, and
// were dropped.
func (f *Fabric) LatePackets() int64 { return f.late.Load() }
