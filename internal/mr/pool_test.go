package mr

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"unsafe"

	"github.com/rdmacp/rdmacp/internal/testenv"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

func TestPoolSlots(t *testing.T) {
	t.Parallel()
	page := os.Getpagesize()
	for _, c := range []struct{ slotSize, slots int }{
		{1, 1}, {page, 3}, {page + 1, 5}, {100_000, 7}, {1 << 20, 5}, {1 << 20, 2}, {1<<20 + 1, 4},
	} {
		p, r := testPool(t, c.slotSize, c.slots)
		stride := roundUp(c.slotSize, page)
		if p.SlotSize() != c.slotSize || p.Slots() != c.slots || len(r.mem) != stride*c.slots {
			t.Fatalf("%+v: %d slots of %d, %d registered", c, p.Slots(), p.SlotSize(), len(r.mem))
		}
		if p.LKey() != 1 || p.RKey() != 2 || r.access != verbs.AccessLocalWrite {
			t.Error("keys or access are not the region's")
		}
		if bytes.ContainsFunc(r.mem, func(c rune) bool { return c != 0 }) {
			t.Error("the memory is not zero")
		}
		seen := map[uint16]bool{}
		for range c.slots {
			l := acquire(t, p)
			if seen[l.Slot()] || int(l.Slot()) >= c.slots || l.Gen() != 1 {
				t.Fatalf("slot %d, generation %d, seen %v", l.Slot(), l.Gen(), seen)
			}
			seen[l.Slot()] = true
			b := l.Bytes()
			if len(b) != c.slotSize || cap(b) != stride {
				t.Fatalf("%d bytes of %d", len(b), cap(b))
			}
			off := int(l.Slot()) * stride
			if &b[0] != &r.mem[off] || l.Addr() != fakeIOVA+uint64(off) {
				t.Fatalf("slot %d is not where it should be", l.Slot())
			}
			if uintptr(unsafe.Pointer(&b[0]))%uintptr(page) != 0 {
				t.Fatal("a slot does not begin on a page")
			}
			for i := range b {
				b[i] = byte(l.Slot())
			}
		}
	}
}

func TestPoolBadShape(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ slotSize, slots int }{
		{0, 1}, {-1, 1}, {4096, 0}, {4096, -1}, {4096, MaxSlots + 1}, {math.MaxInt, 1}, {math.MaxInt / 2, 3},
	} {
		if p, err := newPool(refuse(nil), nil, c.slotSize, c.slots, 0); err == nil {
			t.Errorf("%+v makes a pool", c)
			_ = p.Close()
		}
	}
}

func TestPoolUnwinds(t *testing.T) {
	t.Parallel()
	budget := &Budget{read: func() (limits, error) { return limits{memlock: 1 << 30}, nil }}
	if _, err := newPool(refuse(syscall.EFAULT), budget, 4096, 4, 0); !errors.Is(err, syscall.EFAULT) {
		t.Errorf("%v", err)
	}
	if n := budget.Reserved(); n != 0 {
		t.Errorf("%d bytes stay reserved", n)
	}
	r := &fakeRegion{}
	p, err := newPool(r.register, budget, 4095, 4, 0)
	if errors.Is(err, verbs.ErrNotSupported) {
		testenv.Missing(t, "Linux: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if n := budget.Reserved(); n != 4*uint64(os.Getpagesize()) {
		t.Errorf("%d bytes are reserved", n)
	}
	if err := p.Close(); err != nil || budget.Reserved() != 0 {
		t.Errorf("%v, %d bytes stay reserved", err, budget.Reserved())
	}
}

func TestLease(t *testing.T) {
	t.Parallel()
	p, _ := testPool(t, 4096, 2)
	a, b := acquire(t, p), acquire(t, p)
	copy(a.Bytes(), "left over")
	a.Release()
	a.Release()
	if a.Bytes() != nil {
		t.Error("a released lease shows memory")
	}
	c := acquire(t, p)
	if c.Slot() != a.Slot() || c.Gen() != 2 || a.Gen() != 1 || b.Gen() != 1 {
		t.Errorf("slots %d and %d, generations %d, %d and %d", a.Slot(), c.Slot(), a.Gen(), b.Gen(), c.Gen())
	}
	if !bytes.HasPrefix(c.Bytes(), []byte("left over")) {
		t.Error("the slot was cleared")
	}
	a.Release() // the old lease says nothing about the new one
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Acquire(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a double release freed the slot: %v", err)
	}
	if c.Bytes() == nil {
		t.Error("the new lease was released")
	}
}

func TestGenerationWraps(t *testing.T) {
	t.Parallel()
	p, _ := testPool(t, 4096, 1)
	for want := uint16(1); ; want++ {
		l := acquire(t, p)
		if l.Gen() != want {
			t.Fatalf("generation %d, want %d", l.Gen(), want)
		}
		l.Release()
		if want == 0 {
			return
		}
	}
}

func TestAcquireWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, _ := testPool(t, 4096, 1)
		held := acquire(t, p)
		var got atomic.Pointer[Lease]
		go func() {
			l, err := p.Acquire(t.Context())
			if err != nil {
				t.Error(err)
			}
			got.Store(&l)
		}()
		synctest.Wait()
		if got.Load() != nil {
			t.Fatal("a slot was handed out twice")
		}
		held.Release()
		synctest.Wait()
		if l := got.Load(); l == nil || l.Gen() != 2 {
			t.Error("the release woke nobody")
		}
	})
}

func TestAcquireGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, _ := testPool(t, 4096, 1)
		acquire(t, p)
		gone := errors.New("the peer is gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		errs := make(chan error, 2)
		go func() { _, err := p.Acquire(ctx); errs <- err }()
		synctest.Wait()
		cancel(gone)
		if err := <-errs; !errors.Is(err, gone) {
			t.Errorf("canceled: %v", err)
		}
		go func() { _, err := p.Acquire(t.Context()); errs <- err }()
		synctest.Wait()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if err := <-errs; !errors.Is(err, ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}

func TestPoolClosed(t *testing.T) {
	t.Parallel()
	p, r := testPool(t, 4096, 2)
	l := acquire(t, p)
	busy := errors.New("busy")
	r.closeErr = []error{busy}
	if err := p.Close(); !errors.Is(err, busy) {
		t.Fatalf("Close gives %v", err)
	}
	if l.Bytes() != nil {
		t.Error("a lease shows memory of a pool that is being closed")
	}
	r.mem[0] = 1 // still mapped: the device may still reach it
	for range 2 {
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Acquire(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Acquire gives %v", err)
	}
	l.Release()
	if _, err := p.Acquire(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Acquire gives %v after a release", err)
	}
}

// Many holders never share a slot, and a slot's generations never repeat.
func TestPoolConcurrent(t *testing.T) {
	t.Parallel()
	p, _ := testPool(t, 64, 4)
	var holders [4]atomic.Int32
	var last [4]uint16 // guarded by holding the slot
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 200 {
				l, err := p.Acquire(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				s := l.Slot()
				if holders[s].Add(1) != 1 || l.Gen() != last[s]+1 {
					t.Errorf("slot %d: generation %d after %d", s, l.Gen(), last[s])
				}
				last[s] = l.Gen()
				l.Bytes()[0]++
				runtime.Gosched()
				holders[s].Add(-1)
				l.Release()
				l.Release()
			}
		})
	}
	wg.Wait()
}
