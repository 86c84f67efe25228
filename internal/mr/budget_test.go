package mr

import (
	"errors"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
)

const mib = 1 << 20

func TestBudget(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits  limits
		err     error // of reading them
		reserve []uint64
		want    string // the last one's error; empty for none
	}{
		"fits":              {limits{memlock: 8 * mib}, nil, []uint64{4 * mib, 4 * mib}, ""},
		"nothing":           {limits{}, nil, []uint64{0}, ""},
		"unlimited":         {limits{memlock: 8 * mib, unlimited: true}, nil, []uint64{1 << 50}, ""},
		"limit not known":   {limits{}, errors.New("no /proc"), []uint64{64 * mib}, ""},
		"drivers' own pins": {limits{memlock: 8 * mib, pinned: 4 * mib}, nil, []uint64{4 * mib}, ""},
		"too much": {
			limits{memlock: 8 * mib},
			nil,
			[]uint64{64 * mib},
			"pinning 64 MiB: the limit for locked memory is 8 MiB (RLIMIT_MEMLOCK), 0 B of it in use by this process",
		},
		"no limit at all": {
			limits{},
			nil,
			[]uint64{4096},
			"pinning 4 KiB: the limit for locked memory is 0 B (RLIMIT_MEMLOCK), 0 B of it in use by this process",
		},
		"too much together": {
			limits{memlock: 8 * mib},
			nil,
			[]uint64{5 * mib, 4 * mib},
			"pinning 4 MiB: the limit for locked memory is 8 MiB (RLIMIT_MEMLOCK), 5 MiB of it in use by this process",
		},
		"pinned by others": {
			limits{memlock: 8 * mib, pinned: 6 * mib},
			nil,
			[]uint64{2 * mib, 3 * mib},
			"pinning 3 MiB: the limit for locked memory is 8 MiB (RLIMIT_MEMLOCK), 6 MiB of it in use by this process",
		},
		"limit lowered below what is pinned": {
			limits{memlock: 64 << 10, pinned: 6 * mib},
			nil,
			[]uint64{1},
			"pinning 1 B: the limit for locked memory is 64 KiB (RLIMIT_MEMLOCK), 6 MiB of it in use by this process",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &Budget{read: func() (limits, error) { return c.limits, c.err }}
			var err error
			var sum uint64
			for _, n := range c.reserve {
				if err = b.reserve(n); err == nil {
					sum += n
				}
			}
			checkFault(t, err, c.want)
			if b.Reserved() != sum {
				t.Errorf("%d bytes are reserved, want %d", b.Reserved(), sum)
			}
			b.release(sum)
			if b.Reserved() != 0 {
				t.Errorf("%d bytes stay reserved", b.Reserved())
			}
		})
	}
}

// checkFault checks that err is a fault of code Memlock with a fix and the given text.
func checkFault(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Errorf("unexpected: %v", err)
		}
		return
	}
	f, ok := fault.As(err)
	if !ok || f.Code != fault.Memlock {
		t.Fatalf("no fault of code memlock: %v", err)
	}
	if f.Error() != want {
		t.Errorf("got  %s\nwant %s", f.Error(), want)
	}
	if f.Fix == "" {
		t.Error("the fault has no fix")
	}
}

func TestNoBudget(t *testing.T) {
	t.Parallel()
	var b *Budget
	if err := b.reserve(1 << 60); err != nil {
		t.Error(err)
	}
	b.release(1 << 60)
	if _, limited := b.Limit(); limited || b.Reserved() != 0 {
		t.Error("a nil budget limits")
	}
}

func TestBudgetLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limits  limits
		err     error
		want    uint64
		limited bool
	}{
		{limits{memlock: mib}, nil, mib, true},
		{limits{memlock: mib, unlimited: true}, nil, 0, false},
		{limits{memlock: mib}, errors.New("no /proc"), 0, false},
	} {
		b := &Budget{read: func() (limits, error) { return c.limits, c.err }}
		if n, limited := b.Limit(); n != c.want || limited != c.limited {
			t.Errorf("%+v: %d, %v", c, n, limited)
		}
	}
}

func TestBudgetConcurrent(t *testing.T) {
	t.Parallel()
	b := &Budget{read: func() (limits, error) { return limits{memlock: 10}, nil }}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if b.reserve(3) == nil {
					if n := b.Reserved(); n > 10 {
						t.Errorf("%d bytes are reserved", n)
					}
					b.release(3)
				}
			}
		})
	}
	wg.Wait()
	if b.Reserved() != 0 {
		t.Errorf("%d bytes stay reserved", b.Reserved())
	}
}

func TestRegisterFault(t *testing.T) {
	t.Parallel()
	read := func(l limits, err error) func() (limits, error) { return func() (limits, error) { return l, err } }
	small := limits{memlock: 64 << 10, pinned: 4 << 10}

	err := registerFault(mib, syscall.ENOMEM, read(small, nil))
	checkFault(t, err, "pinning 1 MiB: the limit for locked memory is 64 KiB (RLIMIT_MEMLOCK), "+
		"4 KiB of it in use by this process: cannot allocate memory")
	if f, _ := fault.As(err); !strings.Contains(f.Fix, "LimitMEMLOCK=infinity") || !errors.Is(err, syscall.ENOMEM) {
		t.Errorf("fix %q, cause %v", f.Fix, f.Why)
	}

	for _, r := range []func() (limits, error){
		read(limits{unlimited: true}, nil), read(limits{memlock: 1 << 40}, nil), read(small, errors.New("no /proc")),
	} {
		err := registerFault(mib, syscall.ENOMEM, r)
		checkFault(t, err, "pinning 1 MiB: the host or the device has no memory left for it: cannot allocate memory")
		if f, _ := fault.As(err); strings.Contains(f.Fix, "ulimit") {
			t.Errorf("the limit is not at fault, but the fix is %q", f.Fix)
		}
	}

	err = registerFault(mib, syscall.EAGAIN, read(small, nil))
	checkFault(t, err, "registering 1 MiB: the rdma cgroup of this process allows no more verbs objects: resource temporarily unavailable")
	err = registerFault(mib, syscall.EFAULT, read(small, nil))
	if _, ok := fault.As(err); ok || !errors.Is(err, syscall.EFAULT) {
		t.Errorf("EFAULT gives %v", err)
	}
}
