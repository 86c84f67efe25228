package mr

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/rdmacp/rdmacp/internal/testenv"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// exposing is a registrar that remembers what it has registered.
type exposing struct {
	regions []*fakeRegion
	refuse  error // of the next
}

func (e *exposing) register(mem []byte, access verbs.Access) (region, error) {
	if e.refuse != nil {
		return nil, e.refuse
	}
	r := &fakeRegion{}
	e.regions = append(e.regions, r)
	return r.register(mem, access)
}

// open is how many of them are not closed.
func (e *exposing) open() (n int) {
	for _, r := range e.regions {
		if r.closed == 0 {
			n++
		}
	}
	return n
}

func exposingPool(t *testing.T, slotSize, slots int) (*Pool, *exposing) {
	t.Helper()
	e := &exposing{}
	p, err := newExposing(e.register, nil, slotSize, slots, verbs.AccessRemoteWrite)
	if errors.Is(err, verbs.ErrNotSupported) {
		testenv.Missing(t, "Linux: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil || e.open() != 0 {
			t.Errorf("%v, %d regions stay", err, e.open())
		}
	})
	return p, e
}

// Nothing is registered but what is exposed, for as long as it is, and no more of it than was asked for.
func TestExpose(t *testing.T) {
	t.Parallel()
	page := os.Getpagesize()
	p, e := exposingPool(t, 2*page, 3)
	if len(e.regions) != 1 || len(e.regions[0].mem) != 6*page || e.open() != 0 || p.LKey() != 0 || p.RKey() != 0 {
		t.Fatalf("%d were registered, %d are", len(e.regions), e.open())
	}
	a, b := acquire(t, p), acquire(t, p)
	for i, n := range []int{page + 1, 2 * page, 1} {
		addr, rkey, err := b.Expose(n)
		if err != nil || addr != fakeIOVA || rkey != 2 {
			t.Fatal(addr, err)
		}
		r := e.regions[i+1]
		if len(r.mem) != n || &r.mem[0] != &b.Bytes()[0] || r.access != verbs.AccessRemoteWrite || e.open() != 1 {
			t.Errorf("%d bytes are registered for %d, %v, %d regions", len(r.mem), n, r.access, e.open())
		}
		if _, _, err := b.Expose(n); !errors.Is(err, errExposed) {
			t.Errorf("it is exposed twice: %v", err)
		}
		for range 2 {
			if err := errors.Join(a.Conceal(), b.Conceal()); err != nil || e.open() != 0 {
				t.Errorf("%v, %d regions stay", err, e.open())
			}
		}
	}
}

// What cannot be exposed is not, and what cannot be concealed is still there for Close.
func TestExposeFails(t *testing.T) {
	t.Parallel()
	p, e := exposingPool(t, 4096, 2)
	l := acquire(t, p)
	for _, n := range []int{0, -1, 4097} {
		if _, _, err := l.Expose(n); err == nil {
			t.Errorf("%d bytes of 4096 are exposed", n)
		}
	}
	e.refuse = syscall.EFAULT
	if _, _, err := l.Expose(1); !errors.Is(err, syscall.EFAULT) {
		t.Error(err)
	}
	e.refuse = nil
	if _, _, err := l.Expose(1); err != nil {
		t.Fatal(err)
	}
	busy := errors.New("busy")
	e.regions[1].closeErr = []error{busy, busy}
	if err := l.Conceal(); !errors.Is(err, busy) {
		t.Error(err)
	}
	if _, _, err := l.Expose(1); !errors.Is(err, errExposed) {
		t.Error(err)
	}
	if err := p.Close(); !errors.Is(err, busy) {
		t.Errorf("it is unmapped while a device may reach it: %v", err)
	}
	e.regions[1].mem[0] = 1 // still mapped
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := l.Expose(1); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// A pool that is registered as a whole exposes nothing by the slot.
func TestExposeOther(t *testing.T) {
	t.Parallel()
	p, _ := testPool(t, 4096, 1)
	l := acquire(t, p)
	if _, _, err := l.Expose(1); err == nil {
		t.Error("it is registered twice")
	}
	if err := l.Conceal(); err != nil {
		t.Error(err)
	}
}

// Memory that cannot be pinned is told when the pool is made, and nothing of it stays.
func TestExposingUnwinds(t *testing.T) {
	t.Parallel()
	budget := &Budget{read: func() (limits, error) { return limits{memlock: 1 << 30}, nil }}
	e := &exposing{refuse: syscall.EFAULT}
	if _, err := newExposing(e.register, budget, 4096, 2, 0); !errors.Is(err, syscall.EFAULT) || budget.Reserved() != 0 {
		t.Errorf("%v, %d bytes stay reserved", err, budget.Reserved())
	}
}
