//go:build linux

package rdma_test

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/rdma"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// hostile is a peer that plays one end of a connection of one queue pair, and posts what
// no end of ours does.
type hostile struct {
	t    *testing.T
	pd   *verbs.PD
	cq   *verbs.CQ
	mr   *verbs.MR
	qp   *verbs.QP
	mem  []byte
	gid  verbs.GIDEntry
	port verbs.PortAttr
}

// hostileSize is how much memory it has, and hostileByte what it is full of.
const (
	hostileSize = 1 << 20
	hostileByte = 0xee
)

// hostilePSN is its first packet's number.
const hostilePSN = 0x654321

func newHostile(t *testing.T, device string) *hostile {
	t.Helper()
	h := &hostile{t: t}
	vctx := made(verbs.Open(device))(t)
	h.pd = made(vctx.AllocPD())(t)
	h.cq = made(vctx.CreateCQ(64, nil))(t)
	var err error
	if h.mem, err = unix.Mmap(-1, 0, hostileSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(h.mem) })
	h.fill(hostileByte)
	h.mr = made(h.pd.RegMR(h.mem, verbs.AccessLocalWrite|verbs.AccessRemoteRead|verbs.AccessRemoteWrite))(t)
	h.qp = made(h.pd.CreateQP(verbs.QPInitAttr{SendCQ: h.cq, RecvCQ: h.cq, MaxSendWR: 16, MaxRecvWR: 1, MaxSendSGE: 1, MaxRecvSGE: 1}))(t)
	if h.port, err = vctx.Port(1); err != nil {
		t.Fatal(err)
	}
	gids, err := vctx.GIDTable()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range gids {
		if g.Type == verbs.GIDTypeRoCEv2 && g.GID.IsIPv4Mapped() {
			h.gid = g
		}
	}
	t.Cleanup(func() {
		for _, c := range []interface{ Close() error }{h.qp, h.mr, h.cq, h.pd, vctx} {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return h
}

// made ends the test where something could not be made.
func made[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// fill fills its memory.
func (h *hostile) fill(b byte) {
	for i := range h.mem {
		h.mem[i] = b
	}
}

// endpoint is what it says that it is.
func (h *hostile) endpoint() transport.Endpoint {
	return transport.Endpoint{
		Kind: transport.RDMA, Device: "hostile", GID: netip.AddrFrom16(h.gid.GID), LinkLayer: transport.Ethernet,
		MTU: h.port.ActiveMTU.Bytes(), MaxMessage: h.port.MaxMsgSize, MaxRead: 4, QPs: []transport.QP{{Number: h.qp.QPN(), PSN: hostilePSN}},
	}
}

// meet connects its queue pair to the victim's. PSN is the number of its first packet.
func (h *hostile) meet(victim transport.Endpoint, psn uint32) {
	h.t.Helper()
	steps := []error{
		h.qp.ToInit(verbs.InitAttr{Port: 1, Access: verbs.AccessRemoteRead | verbs.AccessRemoteWrite}),
		h.qp.ToRTR(verbs.RTRAttr{
			PathMTU: h.port.ActiveMTU, DestQPN: victim.QPs[0].Number, RQPSN: victim.QPs[0].PSN, MaxDestRdAtomic: 4, MinRNRTimer: 12,
			Port: 1, SGIDIndex: int(h.gid.Index), DGID: verbs.GID(victim.GID.As16()), IsGlobal: true, HopLimit: 64,
		}),
		h.qp.ToRTS(verbs.RTSAttr{SQPSN: psn, Timeout: 14, RetryCnt: 3, RNRRetry: 1, MaxRdAtomic: 4}),
	}
	for _, err := range steps {
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

// post posts one request about n bytes of its own memory and returns how it ended.
func (h *hostile) post(op verbs.SendOp, addr uint64, key uint32, n int, imm uint32) verbs.WCStatus {
	h.t.Helper()
	wr := verbs.SendWR{Op: op, Flags: verbs.SendSignaled, LKey: h.mr.LKey(), Local: h.mr.Addr(), RKey: verbs.Key(key), Remote: addr, Len: uint32(n), Imm: imm}
	if _, err := h.qp.PostSend([]verbs.SendWR{wr}); err != nil {
		h.t.Fatal(err)
	}
	wcs := make([]verbs.WC, 1)
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(time.Millisecond) {
		n, err := h.cq.Poll(wcs)
		if err != nil {
			h.t.Fatal(err)
		}
		if n == 1 {
			return wcs[0].Status
		}
	}
	h.t.Fatal("the request has no end")
	return 0
}

// refused checks that a request was refused for want of a right: that of the memory, or of
// the queue pair.
func (h *hostile) refused(op verbs.SendOp, addr uint64, key uint32, n int) {
	h.t.Helper()
	if got := h.post(op, addr, key, n, 0); got != verbs.WCRemAccessErr && got != verbs.WCRemInvReqErr {
		h.t.Errorf("%v of %d bytes at %#x ended with %v", op, n, addr, got)
	}
	if op == verbs.OpRead && !bytes.Equal(h.mem, bytes.Repeat([]byte{hostileByte}, hostileSize)) {
		h.t.Error("it has read something")
	}
}

// lenderFor prepares a lender on device a, to which the hostile end of device b is connected.
func lenderFor(t *testing.T, way transport.Direction) (transport.Lender, *hostile, transport.Endpoint) {
	t.Helper()
	a, b := twoRails(t)
	fabric := rdma.New(rdma.Config{})
	h := newHostile(t, b)
	pending := made(fabric.PrepareLender(t.Context(), transport.Setup{Kind: transport.RDMA, Device: a, Direction: way, ChunkSize: 1 << 20, Slots: 4, QPs: 1}))(t)
	victim := pending.Endpoint()
	l := made(pending.Connect(t.Context(), h.endpoint()))(t)
	t.Cleanup(func() {
		for _, c := range []func() error{l.Close, fabric.Close} {
			if err := c(); err != nil {
				t.Error(err)
			}
		}
	})
	return l, h, victim
}
