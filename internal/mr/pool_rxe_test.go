//go:build linux

package mr

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/testenv"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// requireRXE returns a protection domain of the first RDMA device, which is closed with
// the test. Without a device it skips, or fails if RDMA_TEST=required.
func requireRXE(t *testing.T) *verbs.PD {
	t.Helper()
	devices, err := verbs.Devices()
	if err != nil || len(devices) == 0 {
		testenv.Missing(t, "an RDMA device, as hack/softroce/vm makes them (%v)", err)
	}
	vctx, err := verbs.Open(devices[0].Name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, vctx.Close) })
	pd, err := vctx.AllocPD()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mustClose(t, pd.Close) })
	return pd
}

func mustClose(t *testing.T, closer func() error) {
	t.Helper()
	if err := closer(); err != nil {
		t.Error(err)
	}
}

const slotAccess = verbs.AccessLocalWrite | verbs.AccessRemoteWrite

func TestRXEPool(t *testing.T) {
	pd := requireRXE(t)
	budget := NewBudget()
	for _, c := range []struct{ slotSize, slots int }{{4096, 1}, {100_000, 3}, {1 << 20, 16}} {
		before := pinned(t)
		p, err := NewPool(pd, budget, c.slotSize, c.slots, slotAccess)
		if err != nil {
			t.Fatal(err)
		}
		size := uint64(roundUp(c.slotSize, os.Getpagesize()) * c.slots)
		t.Logf("%d slots of %d bytes, huge pages: %v", c.slots, c.slotSize, p.Huge())
		if got := pinned(t) - before; got != size || budget.Reserved() != size {
			t.Errorf("the kernel counts %d bytes, the budget %d, want %d", got, budget.Reserved(), size)
		}
		if p.LKey() == 0 || p.RKey() == 0 {
			t.Error("a key is 0")
		}
		l := acquire(t, p)
		b := l.Bytes()
		b[0], b[len(b)-1] = 1, 1
		if pd.Close() == nil {
			t.Fatal("the protection domain was closed below the pool")
		}
		for range 2 {
			mustClose(t, p.Close)
		}
		if got := pinned(t); got != before || budget.Reserved() != 0 {
			t.Errorf("%d bytes stay pinned, %d reserved", got-before, budget.Reserved())
		}
	}
}

// pinned is the number of bytes that the kernel counts as pinned by this process.
func pinned(t *testing.T) uint64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	n, err := parsePinned(status)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Reserved huge pages are used where the host has some.
func TestRXEPoolHuge(t *testing.T) {
	pd := requireRXE(t)
	const reserve = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
	old, err := os.ReadFile(reserve)
	if err != nil {
		testenv.Missing(t, "a kernel with huge pages: %v", err)
	}
	if err := os.WriteFile(reserve, []byte("4"), 0); err != nil {
		testenv.Missing(t, "the right to reserve huge pages: %v", err)
	}
	t.Cleanup(func() { _ = os.WriteFile(reserve, old, 0) })
	if got, err := os.ReadFile(reserve); err != nil || strings.TrimSpace(string(got)) != "4" {
		testenv.Missing(t, "four huge pages to spare, not %s", got)
	}

	fits, err := NewPool(pd, nil, 1<<20, 5, slotAccess)
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, fits.Close)
	if !fits.Huge() {
		t.Error("5 MiB took none of 4 huge pages")
	}
	acquire(t, fits).Bytes()[0] = 1

	// One page is left now. What does not fit comes from normal memory.
	over, err := NewPool(pd, nil, 1<<20, 4, slotAccess)
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, over.Close)
	if over.Huge() {
		t.Error("4 MiB fit one huge page")
	}
	acquire(t, over).Bytes()[0] = 1
}

// memlockChild marks the process that TestRXEMemlock runs itself in.
const memlockChild = "RDMACP_TEST_MEMLOCK_CHILD"

// TestRXEMemlock runs TestRXEMemlockChild in a process that may pin 64 KiB.
func TestRXEMemlock(t *testing.T) {
	requireRXE(t)
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestRXEMemlockChild$", "-test.v")
	cmd.Env = append(os.Environ(), memlockChild+"=1")
	out, err := withoutIPCLock(cmd)
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

// withoutIPCLock runs a command that stays root, if this is, but lacks CAP_IPC_LOCK. What
// is taken from the bounding set of a thread is gone from every program that it starts.
func withoutIPCLock(cmd *exec.Cmd) (out []byte, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread, which is spoilt, ends with the goroutine
		if err = unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_IPC_LOCK, 0, 0, 0); err == nil {
			out, err = cmd.CombinedOutput()
		}
	}()
	<-done
	return out, err
}

func TestRXEMemlockChild(t *testing.T) {
	if os.Getenv(memlockChild) == "" {
		t.Skip("runs in a process of its own, by TestRXEMemlock")
	}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: 64 << 10, Max: 64 << 10}); err != nil {
		t.Fatal(err)
	}
	pd := requireRXE(t)
	budget := NewBudget()
	if n, limited := budget.Limit(); n != 64<<10 || !limited {
		t.Fatalf("the budget's limit is %d, %v", n, limited)
	}

	p, err := NewPool(pd, budget, 16<<10, 3, slotAccess)
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, p.Close)

	_, err = NewPool(pd, budget, 16<<10, 2, slotAccess)
	checkFault(t, err, "pinning 32 KiB: the limit for locked memory is 64 KiB (RLIMIT_MEMLOCK), "+
		"48 KiB of it in use by this process")
	if n := budget.Reserved(); n != 48<<10 {
		t.Errorf("%d bytes are reserved", n)
	}

	// Without a budget the kernel refuses, and it is told the same way.
	_, err = NewPool(pd, nil, 16<<10, 2, slotAccess)
	f, ok := fault.As(err)
	if !ok || f.Code != fault.Memlock || !strings.Contains(f.Error(), "64 KiB (RLIMIT_MEMLOCK), 48 KiB of it") ||
		!strings.Contains(f.Error(), "ibv_reg_mr") || !strings.Contains(f.Fix, "ulimit -l unlimited") {
		t.Errorf("the kernel's refusal gives %v", err)
	}

	rest, err := NewPool(pd, budget, 16<<10, 1, slotAccess)
	if err != nil {
		t.Fatalf("what fits the limit exactly: %v", err)
	}
	mustClose(t, rest.Close)
}
