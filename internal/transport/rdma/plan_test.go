package rdma

import (
	"net/netip"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mr"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// A loan is READ in pieces that cover it without gap or overlap, and only the
// last asks for a completion.
func TestReads(t *testing.T) {
	for _, n := range []uint32{1, readPiece - 1, readPiece, readPiece + 1, 4 * readPiece, 64 << 20} {
		wrs := reads(nil, 7, view{addr: 1 << 40, lkey: 1}, transport.Ticket{Addr: 1 << 50, RKey: 2, Len: n})
		if len(wrs) != pieces(int(n)) {
			t.Errorf("%d bytes: %d work requests, and %d planned for", n, len(wrs), pieces(int(n)))
		}
		var off uint64
		for i, wr := range wrs {
			last := i == len(wrs)-1
			if wr.Local != 1<<40+off || wr.Remote != 1<<50+off || wr.Len > readPiece || wr.ID != 7 {
				t.Errorf("%d bytes: work request %d at %d is %+v", n, i, off, wr)
			}
			if signalled := wr.Flags&verbs.SendSignaled != 0; signalled != last {
				t.Errorf("%d bytes: work request %d of %d signalled: %v", n, i, len(wrs), signalled)
			}
			off += uint64(wr.Len)
		}
		if off != uint64(n) {
			t.Errorf("%d bytes: %d are read", n, off)
		}
	}
}

// The driver's memory and queue pairs let the peer do nothing; the lender's
// allow the one operation that the direction needs.
func TestRoles(t *testing.T) {
	const remote = verbs.AccessRemoteRead | verbs.AccessRemoteWrite | verbs.AccessRemoteAtomic | verbs.AccessMWBind
	for _, d := range []transport.Direction{transport.Put, transport.Get} {
		s := transport.Setup{Direction: d, ChunkSize: 1 << 20, Slots: 16}
		driver, lender := driverRole(s), lenderRole(s)
		if (driver.slotAccess|driver.qpAccess)&remote != 0 {
			t.Errorf("%v: the peer may %v the driver's slots and %v its queue pairs", d, driver.slotAccess, driver.qpAccess)
		}
		for _, r := range []role{driver, lender} {
			ws := (&resources{}).newWindows(nil, s.ChunkSize, r)
			if ws.size != windowSize || ws.alone != (r.qpAccess&verbs.AccessRemoteWrite != 0) {
				t.Errorf("%v: windows of %d bytes, chunks by themselves: %v: what the peer may write to is a chunk alone", d, ws.size, ws.alone)
			}
		}
		want := verbs.AccessRemoteRead
		if d == transport.Get {
			want = verbs.AccessRemoteWrite
		}
		if lender.slotAccess&remote != want || lender.qpAccess&remote != want {
			t.Errorf("%v: the peer may %v the lender's slots and %v its queue pairs, want %v", d, lender.slotAccess, lender.qpAccess, want)
		}
	}
}

// Ends that can't be connected are refused with the reason.
func TestMatch(t *testing.T) {
	v4, v6 := netip.AddrFrom16(netip.MustParseAddr("10.0.0.1").As16()), netip.MustParseAddr("fd00::1")
	local := transport.Endpoint{Device: "rxe0/1", GID: v4, LinkLayer: transport.Ethernet, QPs: make([]transport.QP, 2)}
	for name, change := range map[string]func(*transport.Endpoint){
		"family":      func(e *transport.Endpoint) { e.GID = v6 },
		"link layer":  func(e *transport.Endpoint) { e.LinkLayer = transport.InfiniBand },
		"queue pairs": func(e *transport.Endpoint) { e.QPs = e.QPs[:1] },
	} {
		e, peer := end{endpoint: local}, local
		if err := e.match(peer); err != nil {
			t.Fatalf("equal ends: %v", err)
		}
		change(&peer)
		if err := e.match(peer); fault.CodeOf(err) != fault.Path {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever of poller and caller comes second sees what the first did.
func TestOp(t *testing.T) {
	o := op{done: make(chan error, 1)}
	o.begin(mr.Lease{}, use{})
	if found := o.finish(nil); found != opPosted || len(o.done) != 1 {
		t.Errorf("finishing found %d, %d results", found, len(o.done))
	}
	if o.abandon() {
		t.Error("abandoned what had ended")
	}
	if err := <-o.done; err != nil {
		t.Error(err)
	}
	o.begin(mr.Lease{}, use{})
	if !o.abandon() {
		t.Error("could not abandon what is in flight")
	}
	if found := o.finish(nil); found != opAbandoned || len(o.done) != 0 {
		t.Errorf("finishing found %d, %d results", found, len(o.done))
	}
	if found := o.finish(nil); found != opIdle {
		t.Errorf("finishing again found %d", found)
	}
}
