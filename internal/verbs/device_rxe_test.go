//go:build linux && cgo

package verbs

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/testenv"
)

func TestRXEOpen(t *testing.T) {
	requireRXE(t)
	infos := must[[]DeviceInfo](t)(Devices())
	for _, info := range infos {
		ctx := must[*Context](t)(Open(info.Name))
		if ctx.Name() != info.Name || info.GUID == 0 || info.NodeType != NodeCA || info.Transport != TransportIB {
			t.Errorf("opened %q of %+v", ctx.Name(), info)
		}
		if err := ctx.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := Open("nosuch0"); !errors.Is(err, syscall.ENODEV) || !strings.Contains(err.Error(), "nosuch0") {
		t.Errorf("opening a device that isn't there gave %v", err)
	}
}

func TestRXEQueries(t *testing.T) {
	e := newEnd(t, config{})
	attr := must[DeviceAttr](t)(e.ctx.Attr())
	t.Logf("%+v", attr)
	if attr.PhysPortCount != 1 || attr.MaxQP == 0 || attr.MaxCQE == 0 || attr.MaxMRSize == 0 || attr.NodeGUID == 0 {
		t.Errorf("attributes %+v", attr)
	}
	port := must[PortAttr](t)(e.ctx.Port(1))
	t.Logf("%+v", port)
	if port.State != PortActive || port.LinkLayer != LinkLayerEthernet || port.ActiveMTU < MTU256 ||
		port.ActiveMTU > port.MaxMTU || port.GIDTableLen == 0 || port.MaxMsgSize < 1<<20 {
		t.Errorf("port %+v", port)
	}
	for _, bad := range []int{-1, 0, 2, 255, 256} {
		if _, err := e.ctx.Port(bad); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("port %d gave %v", bad, err)
		}
	}
	table := must[[]GIDEntry](t)(e.ctx.GIDTable())
	t.Logf("%+v", table)
	e.checkGIDs(table)
	for _, bad := range [][2]int{{0, 0}, {256, 0}, {1, -1}, {1, 1 << 20}, {7, 0}} {
		if _, err := e.ctx.GID(bad[0], bad[1]); err == nil {
			t.Errorf("GID %v exists", bad)
		}
	}
	if e.cq.Depth() < 128 || e.qp.MaxInline() < 64 || e.qp.Caps().MaxSendWR < 64 || e.qp.Caps().MaxRecvWR < 64 {
		t.Errorf("CQ depth %d, QP %+v", e.cq.Depth(), e.qp.Caps())
	}
}

// checkGIDs compares a table with what its entries say one by one.
func (e *end) checkGIDs(table []GIDEntry) {
	e.t.Helper()
	for _, g := range table {
		if got := must[GID](e.t)(e.ctx.GID(int(g.Port), int(g.Index))); got != g.GID || got.IsZero() || g.NDevIfIndex == 0 {
			e.t.Errorf("GID %d is %v, the table says %+v", g.Index, got, g)
		}
	}
}

func TestRXECreateFails(t *testing.T) {
	e, other := newEnd(t, config{}), newEnd(t, config{})
	attr := must[DeviceAttr](t)(e.ctx.Attr())
	for _, depth := range []int{-1, 0, attr.MaxCQE + 1, 1 << 40} {
		if _, err := e.ctx.CreateCQ(depth, e.ch); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("a CQ of depth %d gave %v", depth, err)
		}
	}
	if _, err := e.ctx.CreateCQ(1, other.ch); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("a CQ with a channel of another context gave %v", err)
	}
	for name, init := range map[string]QPInitAttr{
		"no CQ":          {MaxSendWR: 1, MaxRecvWR: 1},
		"a foreign CQ":   {SendCQ: e.cq, RecvCQ: other.cq, MaxSendWR: 1, MaxRecvWR: 1},
		"negative depth": {SendCQ: e.cq, RecvCQ: e.cq, MaxSendWR: -1, MaxRecvWR: 1},
		"huge depth":     {SendCQ: e.cq, RecvCQ: e.cq, MaxSendWR: attr.MaxQPWR + 1, MaxRecvWR: 1},
	} {
		if _, err := e.pd.CreateQP(init); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("a QP with %s gave %v", name, err)
		}
	}
}

func TestRXERegMRFails(t *testing.T) {
	e := newEnd(t, config{})
	readOnly := offHeap(t, 4096)
	if err := unix.Mprotect(readOnly, unix.PROT_READ); err != nil {
		t.Fatal(err)
	}
	gone, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err := errors.Join(err, unix.Munmap(gone)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		mem    []byte
		access Access
		want   syscall.Errno
	}{
		{"nothing", nil, AccessLocalWrite, syscall.EINVAL},
		{"remote write without local write", e.mem, AccessRemoteWrite, syscall.EINVAL},
		{"remote atomic without local write", e.mem, AccessRemoteAtomic, syscall.EINVAL},
		{"writing read-only memory", readOnly, AccessLocalWrite, syscall.EFAULT},
		{"memory that is not mapped", gone, AccessRemoteRead, syscall.EFAULT},
	} {
		if _, err := e.pd.RegMR(tt.mem, tt.access); !errors.Is(err, tt.want) {
			t.Errorf("%s gave %v, want %v", tt.name, err, tt.want)
		}
	}
	// Optional flags are taken, or ignored.
	mr := must[*MR](t)(e.pd.RegMR(e.mem[4096:8192], AccessLocalWrite|AccessRelaxedOrdering))
	closeLater(t, mr)
	if mr.Addr() != e.mr.Addr()+4096 || mr.Len() != 4096 || mr.LKey() == e.mr.LKey() {
		t.Errorf("region %d+%d in %d+%d", mr.Addr(), mr.Len(), e.mr.Addr(), e.mr.Len())
	}
}

// TestRXEMemlock runs out of the memory that may be locked, as a process without CAP_IPC_LOCK does.
func TestRXEMemlock(t *testing.T) {
	e := newEnd(t, config{})
	dropIPCLock(t)
	var old unix.Rlimit
	if err := unix.Prlimit(0, unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: 4096, Max: unix.RLIM_INFINITY}, &old); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Prlimit(0, unix.RLIMIT_MEMLOCK, &old, nil) }()
	_, err := e.pd.RegMR(offHeap(t, 1<<20), AccessLocalWrite)
	if !errors.Is(err, syscall.ENOMEM) || !strings.Contains(err.Error(), "ulimit -l") {
		t.Errorf("got %v", err)
	}
}

// dropIPCLock takes CAP_IPC_LOCK from this thread, and ends the thread with the test.
func dropIPCLock(t *testing.T) {
	t.Helper()
	lockThread()
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		t.Fatal(err)
	}
	data[0].Effective &^= 1 << unix.CAP_IPC_LOCK
	if err := unix.Capset(&hdr, &data[0]); err != nil {
		t.Fatal(err)
	}
}

func TestRXEBusy(t *testing.T) {
	e := newEnd(t, config{})
	for _, tt := range []struct {
		name     string
		close    func() error
		children []string
	}{
		{"Context", e.ctx.Close, []string{"1 PD", "1 CompChannel", "1 CQ"}},
		{"PD", e.pd.Close, []string{"1 MR", "1 QP"}},
		{"CompChannel", e.ch.Close, []string{"1 CQ"}},
		{"CQ", e.cq.Close, []string{"2 QP"}}, // Once for each direction.
	} {
		err := tt.close()
		if !errors.Is(err, ErrBusy) {
			t.Errorf("closing a busy %s gave %v", tt.name, err)

			continue
		}
		for _, c := range tt.children {
			if !strings.Contains(err.Error(), c) {
				t.Errorf("%s: %q doesn't name %s", tt.name, err, c)
			}
		}
	}
	// All still work.
	if _, err := e.qp.State(); err != nil {
		t.Error(err)
	}
	if err := e.cq.ReqNotify(false); err != nil {
		t.Error(err)
	}
}

func TestRXEClosed(t *testing.T) {
	e := newEnd(t, config{})
	closers := []func() error{e.qp.Close, e.mr.Close, e.cq.Close, e.ch.Close, e.pd.Close, e.ctx.Close}
	for range 2 { // Closing again is not an error.
		for i, c := range closers {
			if err := c(); err != nil {
				t.Fatalf("closing number %d: %v", i, err)
			}
		}
	}
	calls := map[string]func() error{
		"Attr":              func() error { _, err := e.ctx.Attr(); return err },
		"Port":              func() error { _, err := e.ctx.Port(1); return err },
		"GID":               func() error { _, err := e.ctx.GID(1, 0); return err },
		"GIDTable":          func() error { _, err := e.ctx.GIDTable(); return err },
		"NextEvent":         func() error { _, err := e.ctx.NextEvent(t.Context()); return err },
		"AllocPD":           func() error { _, err := e.ctx.AllocPD(); return err },
		"CreateCompChannel": func() error { _, err := e.ctx.CreateCompChannel(); return err },
		"CreateCQ":          func() error { _, err := e.ctx.CreateCQ(1, nil); return err },
		"CreateCQ(channel)": func() error { _, err := e.ctx.CreateCQ(1, e.ch); return err },
		"RegMR":             func() error { _, err := e.pd.RegMR(e.mem, 0); return err },
		"RegMRIOVA":         func() error { _, err := e.pd.RegMRIOVA(e.mem, 0, 0); return err },
		"CreateQP":          func() error { _, err := e.pd.CreateQP(QPInitAttr{SendCQ: e.cq, RecvCQ: e.cq}); return err },
		"Wait":              func() error { _, err := e.ch.Wait(t.Context()); return err },
		"Poll":              func() error { _, err := e.cq.Poll(make([]WC, 1)); return err },
		"ReqNotify":         func() error { return e.cq.ReqNotify(false) },
		"State":             func() error { _, err := e.qp.State(); return err },
		"ToInit":            func() error { return e.qp.ToInit(InitAttr{Port: 1}) },
		"ToRTR":             func() error { return e.qp.ToRTR(RTRAttr{Port: 1}) },
		"ToRTS":             func() error { return e.qp.ToRTS(RTSAttr{}) },
		"ToError":           e.qp.ToError,
		"PostSend":          func() error { _, err := e.qp.PostSend(make([]SendWR, 1)); return err },
		"PostRecv":          func() error { _, err := e.qp.PostRecv(make([]RecvWR, 1)); return err },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, ErrClosed) {
			t.Errorf("%s gave %v", name, err)
		}
	}
	// A live context with a closed channel, and a live PD with a closed CQ.
	e2 := newEnd(t, config{})
	ch := must[*CompChannel](t)(e2.ctx.CreateCompChannel())
	cq := must[*CQ](t)(e2.ctx.CreateCQ(1, nil))
	if err := errors.Join(ch.Close(), cq.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := e2.ctx.CreateCQ(1, ch); !errors.Is(err, ErrClosed) {
		t.Errorf("a CQ with a closed channel gave %v", err)
	}
	if _, err := e2.pd.CreateQP(QPInitAttr{SendCQ: e2.cq, RecvCQ: cq}); !errors.Is(err, ErrClosed) {
		t.Errorf("a QP with a closed CQ gave %v", err)
	}
}

func TestRXEStates(t *testing.T) {
	e := newEnd(t, config{})
	state := func(want QPState) {
		t.Helper()
		if got := must[QPState](t)(e.qp.State()); got != want {
			t.Fatalf("in state %v, want %v", got, want)
		}
	}
	state(QPStateReset)
	for name, err := range map[string]error{
		"RESET to RTS":       e.qp.ToRTS(RTSAttr{Timeout: 14}),
		"RESET to RTR":       e.qp.ToRTR(RTRAttr{PathMTU: MTU1024, Port: 1, DGID: e.gid.GID, IsGlobal: true}),
		"port out of range":  e.qp.ToInit(InitAttr{Port: 300}),
		"no such port":       e.qp.ToInit(InitAttr{Port: 9}),
		"pkey out of range":  e.qp.ToInit(InitAttr{Port: 1, PKeyIndex: 1 << 16}),
		"timer out of range": e.qp.ToRTR(RTRAttr{MinRNRTimer: -1}),
		"retry out of range": e.qp.ToRTS(RTSAttr{RetryCnt: 256}),
	} {
		if !errors.Is(err, syscall.EINVAL) {
			t.Errorf("%s gave %v", name, err)
		}
	}
	state(QPStateReset)
	if err := e.toRTR(e.qp, e, e.qp.QPN()); err != nil {
		t.Fatal(err)
	}
	state(QPStateRTR)
	if err := e.qp.ToRTS(RTSAttr{Timeout: 14, RetryCnt: 1, RNRRetry: 1, MaxRdAtomic: 1}); err != nil {
		t.Fatal(err)
	}
	state(QPStateRTS)
	for range 2 {
		if err := e.qp.ToError(); err != nil {
			t.Fatal(err)
		}
		state(QPStateErr)
	}
	// It may be connected once more.
	for range 2 {
		if err := e.qp.ToReset(); err != nil {
			t.Fatal(err)
		}
		state(QPStateReset)
	}
	if err := e.toRTR(e.qp, e, e.qp.QPN()); err != nil {
		t.Fatal(err)
	}
	state(QPStateRTR)
	// An address that nobody has doesn't resolve.
	stranger := *e
	stranger.gid.GID[15] = 0xee
	start := time.Now()
	err := e.toRTR(e.newQP(), &stranger, 5)
	t.Logf("RTR to %v took %v: %v", stranger.gid.GID, time.Since(start), err)
	if err == nil {
		t.Error("connected to nobody")
	}
}

func TestRXENextEventEnds(t *testing.T) {
	ctx := must[*Context](t)(Open(requireRXE(t)[0]))
	closeLater(t, ctx)
	done, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := ctx.NextEvent(done); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled, it gave %v", err)
	}
	late, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if _, err := ctx.NextEvent(late); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("late, it gave %v", err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := ctx.NextEvent(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("closed, it gave %v", err)
		}
	})
	time.Sleep(50 * time.Millisecond)
	if err := ctx.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

// TestRXECQOverrun fills a CQ that nobody polls, until the device says so.
func TestRXECQOverrun(t *testing.T) {
	e := newEnd(t, config{depth: 64, access: AccessRemoteWrite})
	small := must[*CQ](t)(e.ctx.CreateCQ(1, nil))
	closeLater(t, small)
	qp := must[*QP](t)(e.pd.CreateQP(QPInitAttr{SendCQ: small, RecvCQ: small, MaxSendWR: 64, MaxRecvWR: 1}))
	closeLater(t, qp)
	e.qp = qp
	e.connect(e, qp.QPN(), patient) // To itself.
	wrs := slices.Repeat([]SendWR{e.write(e, 1, 8)}, 3*small.Depth()+8)
	n, err := qp.PostSend(wrs)
	t.Logf("CQ of depth %d, posted %d: %v", small.Depth(), n, err)

	late, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	ev, err := e.ctx.NextEvent(late)
	if err != nil || ev.Type != EventCQErr || ev.CQ != small || ev.QP != nil {
		t.Fatalf("got %+v, %v; want %v of the CQ", ev, err, EventCQErr)
	}
}

// TestRXEOutOfDescriptors lets constructors fail at each of the descriptors that they need, and looks for what they
// left behind.
func TestRXEOutOfDescriptors(t *testing.T) {
	device := requireRXE(t)[0]
	ctx := must[*Context](t)(Open(device))
	closeLater(t, ctx)
	for name, create := range map[string]func() (io.Closer, error){
		"Open":              func() (io.Closer, error) { return Open(device) },
		"CreateCompChannel": func() (io.Closer, error) { return ctx.CreateCompChannel() },
	} {
		var old unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
			t.Fatal(err)
		}
		failed := 0
		for {
			before, objects := testenv.OpenFiles(), live.String()
			limit := unix.Rlimit{Cur: uint64(len(before) + failed), Max: old.Max}
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
				t.Fatal(err)
			}
			o, err := create()
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &old); err != nil {
				t.Fatal(err)
			}
			if err == nil {
				closeLater(t, o)

				break
			}
			failed++
			t.Logf("%s, %d: %v", name, failed, err)
			if after := testenv.OpenFiles(); !slices.Equal(before, after) || live.String() != objects {
				t.Fatalf("left behind:\nbefore %q, %s\nafter  %q, %s", before, objects, after, live.String())
			}
		}
		if failed < 2 {
			t.Errorf("%s failed %d times only", name, failed)
		}
	}
}

// TestRXEPortEvent gives the device's interface other addresses, which are other GIDs, and makes a hole in the table.
func TestRXEPortEvent(t *testing.T) {
	e := newEnd(t, config{})
	if os.Getenv("RDMA_TEST") != "required" {
		t.Skip("changes the addresses of the host: runs where RDMA_TEST=required, as in hack/softroce/vm")
	}
	dev := must[*net.Interface](t)(net.InterfaceByIndex(int(e.gid.NDevIfIndex)))
	ip := func(verb, addr string) {
		t.Helper()
		cmd := exec.CommandContext(context.Background(), "ip", "addr", verb, addr, "dev", dev.Name)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cmd, err, out)
		}
	}
	late, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	change := func(verb, addr string) {
		t.Helper()
		ip(verb, addr)
		ev, err := e.ctx.NextEvent(late)
		if want := (AsyncEvent{Type: EventGIDChange, Port: 1}); err != nil || ev != want {
			t.Errorf("got %+v, %v; want %+v", ev, err, want)
		}
	}
	change("add", "10.99.99.1/32")
	change("add", "10.99.99.2/32")
	t.Cleanup(func() { ip("del", "10.99.99.2/32") })
	change("del", "10.99.99.1/32")
	table := must[[]GIDEntry](t)(e.ctx.GIDTable())
	t.Logf("%+v", table)
	e.checkGIDs(table)
	if last := table[len(table)-1]; int(last.Index) != len(table) {
		t.Errorf("the table has no hole: %+v", table)
	}
}
