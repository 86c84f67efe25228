//go:build linux && cgo

package verbs

import (
	"errors"
	"io"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/testenv"
)

// patience is how long a test waits for what must come; an emulated machine is slow.
const patience = time.Minute

// requireRXE returns the names of the devices. Without any it skips, or fails if RDMA_TEST=required.
func requireRXE(tb testing.TB) []string {
	tb.Helper()
	infos, err := Devices()
	if err != nil && !errors.Is(err, ErrNotSupported) && !errors.Is(err, ErrNoLibrary) {
		tb.Fatal("listing devices:", err)
	}
	if len(infos) == 0 {
		testenv.Missing(tb, "an RDMA device, as hack/softroce makes them (%v)", err)
	}
	names := make([]string, len(infos))
	for i, info := range infos {
		names[i] = info.Name
	}

	return names
}

// closeLater closes when the test ends, in the reverse order of the calls.
func closeLater(tb testing.TB, c io.Closer) {
	tb.Helper()
	tb.Cleanup(func() {
		if err := c.Close(); err != nil {
			tb.Errorf("closing %T: %v", c, err)
		}
	})
}

func must[T any](tb testing.TB) func(T, error) T {
	tb.Helper()

	return func(v T, err error) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}

		return v
	}
}

// offHeap maps memory that a device may reach.
func offHeap(tb testing.TB, size int) []byte {
	tb.Helper()
	mem, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = unix.Munmap(mem) })

	return mem
}

// config says how ends are made; its zero value does for most tests.
type config struct {
	device    string
	depth     int    // of the CQ and of both queues
	access    Access // of the QP and MR, added to AccessLocalWrite
	noChannel bool
	size      int
}

// end is one side of a connection, with all that it needs.
type end struct {
	t   testing.TB
	ctx *Context
	pd  *PD
	ch  *CompChannel
	cq  *CQ
	qp  *QP
	mr  *MR
	mem []byte
	gid GIDEntry
	cfg config
}

func newEnd(tb testing.TB, cfg config) *end {
	tb.Helper()
	if cfg.device == "" {
		cfg.device = requireRXE(tb)[0]
	}
	cfg.depth = max(cfg.depth, 64)
	cfg.size = max(cfg.size, 1<<16)
	e := &end{t: tb, cfg: cfg, mem: offHeap(tb, cfg.size)}
	e.ctx = must[*Context](tb)(Open(cfg.device))
	closeLater(tb, e.ctx)
	e.pd = must[*PD](tb)(e.ctx.AllocPD())
	closeLater(tb, e.pd)
	if !cfg.noChannel {
		e.ch = must[*CompChannel](tb)(e.ctx.CreateCompChannel())
		closeLater(tb, e.ch)
	}
	e.cq = must[*CQ](tb)(e.ctx.CreateCQ(2*cfg.depth, e.ch))
	closeLater(tb, e.cq)
	e.mr = must[*MR](tb)(e.pd.RegMR(e.mem, AccessLocalWrite|cfg.access))
	closeLater(tb, e.mr)
	e.qp = e.newQP()
	e.gid = e.pickGID()

	return e
}

func (e *end) newQP() *QP {
	e.t.Helper()
	qp := must[*QP](e.t)(e.pd.CreateQP(QPInitAttr{
		SendCQ: e.cq, RecvCQ: e.cq, MaxSendWR: e.cfg.depth, MaxRecvWR: e.cfg.depth, MaxInline: 64,
	}))
	closeLater(e.t, qp)

	return qp
}

func (e *end) pickGID() GIDEntry {
	e.t.Helper()
	for _, g := range must[[]GIDEntry](e.t)(e.ctx.GIDTable()) {
		if g.Type == GIDTypeRoCEv2 && g.GID.IsIPv4Mapped() {
			return g
		}
	}
	e.t.Fatalf("%s has no RoCE v2 GID of an IPv4 address", e.cfg.device)

	return GIDEntry{}
}

// timers are the attributes that decide how soon a failure is noticed.
type timers struct{ timeout, retry, rnrRetry int }

// patient outlives the stalls of an emulated machine; hasty fails in milliseconds.
var (
	patient = timers{timeout: 17, retry: 6, rnrRetry: 6}
	hasty   = timers{timeout: 10, retry: 1, rnrRetry: 1}
)

// toRTR connects qp to the peer's, up to the state in which it answers.
func (e *end) toRTR(qp *QP, peer *end, qpn uint32) error {
	port := must[PortAttr](e.t)(e.ctx.Port(1))
	if err := qp.ToInit(InitAttr{Port: 1, Access: e.cfg.access}); err != nil {
		return err
	}

	return qp.ToRTR(RTRAttr{
		PathMTU: port.ActiveMTU, DestQPN: qpn, RQPSN: 0x123, MaxDestRdAtomic: 4, MinRNRTimer: 1,
		Port: 1, SGIDIndex: int(e.gid.Index), DGID: peer.gid.GID, IsGlobal: true, HopLimit: 64,
	})
}

func (e *end) connect(peer *end, qpn uint32, tm timers) {
	e.t.Helper()
	if err := e.toRTR(e.qp, peer, qpn); err != nil {
		e.t.Fatal(err)
	}
	err := e.qp.ToRTS(RTSAttr{
		SQPSN: 0x123, Timeout: tm.timeout, RetryCnt: tm.retry, RNRRetry: tm.rnrRetry, MaxRdAtomic: 4,
	})
	if err != nil {
		e.t.Fatal(err)
	}
}

// newPair returns two connected ends on the first device.
func newPair(tb testing.TB, cfg config, tm timers) (a, b *end) {
	tb.Helper()
	if cfg.access == 0 {
		cfg.access = AccessRemoteRead | AccessRemoteWrite
	}
	a, b = newEnd(tb, cfg), newEnd(tb, cfg)
	a.connect(b, b.qp.QPN(), tm)
	b.connect(a, a.qp.QPN(), tm)

	return a, b
}

// write is a signaled RDMA WRITE of the first n bytes to the peer's.
func (e *end) write(peer *end, id uint64, n int) SendWR {
	return SendWR{
		ID: id, Op: OpWrite, Flags: SendSignaled, LKey: e.mr.LKey(), RKey: peer.mr.RKey(),
		Local: e.mr.Addr(), Remote: peer.mr.Addr(), Len: uint32(n),
	}
}

func (e *end) send(wrs ...SendWR) {
	e.t.Helper()
	if n, err := e.qp.PostSend(wrs); n != len(wrs) || err != nil {
		e.t.Fatalf("posted %d of %d: %v", n, len(wrs), err)
	}
}

func (e *end) recv(wrs ...RecvWR) {
	e.t.Helper()
	if n, err := e.qp.PostRecv(wrs); n != len(wrs) || err != nil {
		e.t.Fatalf("posted %d of %d: %v", n, len(wrs), err)
	}
}

// poll returns the next n completions.
func (e *end) poll(n int) []WC {
	e.t.Helper()
	wcs := make([]WC, n)
	got := 0
	for start := time.Now(); got < n; {
		k := must[int](e.t)(e.cq.Poll(wcs[got:]))
		if got += k; k == 0 {
			if time.Since(start) > patience {
				e.t.Fatalf("%d of %d completions came", got, n)
			}
			time.Sleep(time.Millisecond)
		}
	}

	return wcs
}

// pollOK returns the next completion, which must be the success of a work request.
func (e *end) pollOK(id uint64, op Opcode) WC {
	e.t.Helper()
	wc := e.poll(1)[0]
	if err := wc.Err(); err != nil {
		e.t.Fatal(err)
	}
	if wc.ID != id || wc.Op != op || wc.QPN != e.qp.QPN() {
		e.t.Fatalf("got %+v, want ID %d, %v on QP %d", wc, id, op, e.qp.QPN())
	}

	return wc
}

// pollErr returns the next completion, which must be a failure.
func (e *end) pollErr(id uint64, status WCStatus) error {
	e.t.Helper()
	wc := e.poll(1)[0]
	if wc.ID != id || wc.Status != status {
		e.t.Fatalf("got %+v, want ID %d, %v", wc, id, status)
	}

	return wc.Err()
}
