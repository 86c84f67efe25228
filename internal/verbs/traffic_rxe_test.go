//go:build linux && cgo

package verbs

import (
	"bytes"
	"errors"
	"slices"
	"syscall"
	"testing"
)

func fill(mem []byte, seed byte) {
	for i := range mem {
		mem[i] = byte(i*7) ^ byte(i>>8) ^ seed
	}
}

func TestRXEOperations(t *testing.T) {
	names := requireRXE(t)
	t.Run("one device", func(t *testing.T) {
		a, b := newPair(t, config{}, patient)
		operations(t, a, b)
	})
	t.Run("two devices", func(t *testing.T) {
		if len(names) < 2 {
			t.Skip("there is one device only")
		}
		access := AccessRemoteRead | AccessRemoteWrite
		a, b := newEnd(t, config{device: names[0], access: access}), newEnd(t, config{device: names[1], access: access})
		a.connect(b, b.qp.QPN(), patient)
		b.connect(a, a.qp.QPN(), patient)
		operations(t, a, b)
	})
}

func operations(t *testing.T, a, b *end) {
	t.Helper()
	const size = 50_000 // Several packets, the last not full.
	fill(a.mem, 1)
	a.send(a.write(b, 1, size))
	a.pollOK(1, OpcodeRDMAWrite)
	same(t, a, b, size)

	fill(a.mem, 2)
	b.recv(RecvWR{ID: 2})
	imm := a.write(b, 3, size)
	imm.Op, imm.Imm = OpWriteImm, 0x01020304
	a.send(imm)
	a.pollOK(3, OpcodeRDMAWrite)
	if wc := b.pollOK(2, OpcodeRecvRDMAWithImm); !wc.HasImm || wc.Imm != 0x01020304 || wc.Len != size {
		t.Errorf("the peer got %+v", wc)
	}
	same(t, a, b, size)

	fill(b.mem, 3)
	read := a.write(b, 4, size)
	read.Op, read.Flags = OpRead, SendSignaled|SendFence
	a.send(read)
	a.pollOK(4, OpcodeRDMARead)
	same(t, a, b, size)

	fill(a.mem, 4)
	b.recv(RecvWR{ID: 5, LKey: b.mr.LKey(), Local: b.mr.Addr(), Len: size})
	a.send(SendWR{ID: 6, Op: OpSend, Flags: SendSignaled, LKey: a.mr.LKey(), Local: a.mr.Addr(), Len: size})
	a.pollOK(6, OpcodeSend)
	if wc := b.pollOK(5, OpcodeRecv); wc.HasImm || wc.Imm != 0 || wc.Len != size {
		t.Errorf("the peer got %+v", wc)
	}
	same(t, a, b, size)

	// Inline data needs no key. Unsignaled requests complete silently, and in order before the next signaled one.
	fill(a.mem, 5)
	b.recv(RecvWR{ID: 7, LKey: b.mr.LKey(), Local: b.mr.Addr(), Len: 64})
	a.send(
		SendWR{
			ID: 8, Op: OpWrite, RKey: b.mr.RKey(), Remote: b.mr.Addr() + 64,
			LKey: a.mr.LKey(), Local: a.mr.Addr() + 64, Len: 64,
		},
		SendWR{
			ID: 9, Op: OpSendImm, Flags: SendSignaled | SendInline | SendSolicited,
			Local: a.mr.Addr(), Len: 64, Imm: 1 << 31,
		},
	)
	a.pollOK(9, OpcodeSend)
	if wc := b.pollOK(7, OpcodeRecv); !wc.HasImm || wc.Imm != 1<<31 || wc.Len != 64 {
		t.Errorf("the peer got %+v", wc)
	}
	same(t, a, b, 128)
	if n, err := a.cq.Poll(make([]WC, 8)); n != 0 || err != nil {
		t.Errorf("%d more completions, %v", n, err)
	}
}

func same(t *testing.T, a, b *end, n int) {
	t.Helper()
	if !bytes.Equal(a.mem[:n], b.mem[:n]) {
		t.Errorf("the two ends differ in their first %d bytes", n)
	}
}

// TestRXEBatch posts and polls more than the C side takes in one round.
func TestRXEBatch(t *testing.T) {
	const count = 100
	a, b := newPair(t, config{depth: 128}, patient)
	fill(a.mem, 9)
	var (
		recvs []RecvWR
		sends []SendWR
	)
	for i := range count {
		recvs = append(recvs, RecvWR{ID: uint64(i)})
		off := uint64(i * 512)
		sends = append(sends, SendWR{
			ID: uint64(i), Op: OpWriteImm, Flags: SendSignaled, LKey: a.mr.LKey(), RKey: b.mr.RKey(),
			Local: a.mr.Addr() + off, Remote: b.mr.Addr() + off, Len: 512, Imm: uint32(i),
		})
	}
	b.recv(recvs...)
	a.send(sends...)
	for i, wc := range a.poll(count) {
		if wc.Err() != nil || wc.ID != uint64(i) {
			t.Fatalf("completion %d is %+v", i, wc)
		}
	}
	for i, wc := range b.poll(count) {
		if wc.Err() != nil || wc.ID != uint64(i) || wc.Imm != uint32(i) || wc.Len != 512 {
			t.Fatalf("the peer's completion %d is %+v", i, wc)
		}
	}
	same(t, a, b, count*512)
	for _, empty := range []func() (int, error){
		func() (int, error) { return a.qp.PostSend(nil) },
		func() (int, error) { return a.qp.PostRecv(nil) },
		func() (int, error) { return a.cq.Poll(nil) },
	} {
		if n, err := empty(); n != 0 || err != nil {
			t.Errorf("an empty batch gave %d, %v", n, err)
		}
	}
}

// TestRXEQueueFull posts more than fits; what was taken is counted, and completes.
func TestRXEQueueFull(t *testing.T) {
	a, _ := newPair(t, config{}, patient)
	recvs := slices.Repeat([]RecvWR{{ID: 1}}, 4*a.qp.Caps().MaxRecvWR)
	recvd, err := a.qp.PostRecv(recvs)
	if recvd < a.qp.Caps().MaxRecvWR || recvd == len(recvs) || err == nil {
		t.Fatalf("posted %d receives of %d: %v", recvd, len(recvs), err)
	}
	t.Logf("posted %d receives of %d: %v", recvd, len(recvs), err)
	if n, err := a.qp.PostRecv(recvs[:1]); n != 0 || err == nil {
		t.Fatalf("posted %d more: %v", n, err)
	}
	// A send that is longer than the inline limit is refused in the middle of a batch.
	inline := SendWR{ID: 3, Op: OpSend, Flags: SendInline, Local: a.mr.Addr(), Len: uint32(a.qp.MaxInline() + 1)}
	flushed := SendWR{ID: 2, Op: OpSend, Flags: SendSignaled}
	if err := a.qp.ToError(); err != nil {
		t.Fatal(err)
	}
	sent, err := a.qp.PostSend([]SendWR{flushed, flushed, inline, flushed})
	if sent != 2 || !errors.Is(err, syscall.EINVAL) {
		t.Fatalf("posted %d sends: %v", sent, err)
	}
	counts := map[uint64]int{}
	for range recvd + sent {
		wc := a.poll(1)[0]
		if !errors.Is(wc.Err(), ErrFlushed) {
			t.Fatalf("got %+v", wc)
		}
		counts[wc.ID]++
	}
	if counts[1] != recvd || counts[2] != sent {
		t.Errorf("completed %v, want %d receives and %d sends", counts, recvd, sent)
	}
}

func TestRXERemoteAccess(t *testing.T) {
	for _, tt := range []struct {
		name   string
		access Access
		change func(*SendWR)
	}{
		{"wrong rkey", 0, func(wr *SendWR) { wr.RKey ^= 0x5500 }},
		{"below the region", 0, func(wr *SendWR) { wr.Remote -= 4096 }},
		{"past the region", 0, func(wr *SendWR) { wr.Remote += 1<<16 - 16 }},
		{"read that is not allowed", AccessRemoteWrite, func(wr *SendWR) { wr.Op = OpRead }},
		{"write that is not allowed", AccessRemoteRead, func(*SendWR) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := newPair(t, config{access: tt.access}, patient)
			wr := a.write(b, 1, 64)
			tt.change(&wr)
			a.send(wr)
			wc := a.poll(1)[0]
			t.Log(wc.Err())
			// A QP that doesn't allow the operation at all may call it an invalid request.
			if !errors.Is(wc.Err(), ErrRemoteAccess) && (tt.access == 0 || wc.Status != WCRemInvReqErr) {
				t.Errorf("got %+v", wc)
			}
			if s := must[QPState](t)(a.qp.State()); s != QPStateErr {
				t.Errorf("the QP is in state %v", s)
			}
		})
	}
}

// TestRXERegMRIOVA gives regions other addresses than where they are mapped. Those are then what work requests of both
// ends have to name, and nothing else.
func TestRXERegMRIOVA(t *testing.T) {
	const size = 50_000
	a, b := newPair(t, config{}, patient)
	mapped := b.mr.Addr()
	for _, e := range []*end{a, b} {
		if _, err := e.pd.RegMRIOVA(nil, 1<<40, AccessLocalWrite); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("of nothing: %v", err)
		}
		iova := 1<<61 | e.mr.Addr()&(1<<30-1)
		e.mr = must[*MR](t)(e.pd.RegMRIOVA(e.mem, iova, AccessLocalWrite|AccessRemoteWrite|AccessRemoteRead))
		closeLater(t, e.mr)
		if e.mr.Addr() != iova || e.mr.Len() != len(e.mem) {
			t.Errorf("region %#x+%d, want %#x+%d", e.mr.Addr(), e.mr.Len(), iova, len(e.mem))
		}
	}
	fill(a.mem, 1)
	a.send(a.write(b, 1, size))
	a.pollOK(1, OpcodeRDMAWrite)
	same(t, a, b, size)
	fill(b.mem, 2)
	read := a.write(b, 2, size)
	read.Op = OpRead
	a.send(read)
	a.pollOK(2, OpcodeRDMARead)
	same(t, a, b, size)

	wr := a.write(b, 3, 64)
	wr.Remote = mapped
	a.send(wr)
	if err := a.pollErr(3, WCRemAccessErr); !errors.Is(err, ErrRemoteAccess) {
		t.Error(err)
	}
}

func TestRXEClosedRegion(t *testing.T) {
	a, b := newPair(t, config{}, patient)
	wr := a.write(b, 1, 64)
	if err := b.mr.Close(); err != nil {
		t.Fatal(err)
	}
	a.send(wr)
	if err := a.pollErr(1, WCRemAccessErr); !errors.Is(err, ErrRemoteAccess) {
		t.Error(err)
	}
}

// TestRXELocalProtection posts a wrong lkey. Hardware says WCLocProtErr. rxe of Linux 6.1 says WCLocQPOpErr; that of
// 6.12 moves the queue pair to ERR and then flushes the faulty request too, so that no completion names the cause.
func TestRXELocalProtection(t *testing.T) {
	a, b := newPair(t, config{}, patient)
	wr := a.write(b, 1, 64)
	wr.LKey ^= 0x5500
	a.send(wr, a.write(b, 2, 64))
	wcs := a.poll(2)
	t.Log(wcs[0].Err())
	if s := wcs[0].Status; wcs[0].ID != 1 || s != WCLocProtErr && s != WCLocQPOpErr && s != WCWRFlushErr {
		t.Errorf("got %+v", wcs[0])
	}
	if wcs[1].ID != 2 || !errors.Is(wcs[1].Err(), ErrFlushed) {
		t.Errorf("got %+v", wcs[1])
	}
}

// TestRXEPostTooEarly posts in the states that don't allow it. What is counted as posted is due a completion even
// though the call failed, and gets it from ToError.
func TestRXEPostTooEarly(t *testing.T) {
	e := newEnd(t, config{})
	sends, recvs := slices.Repeat([]SendWR{{ID: 1, Op: OpSend, Flags: SendSignaled}}, 40), []RecvWR{{ID: 2}}
	due := map[uint64]int{}
	post := func(state string) {
		sent, sendErr := e.qp.PostSend(sends)
		recvd, recvErr := e.qp.PostRecv(recvs)
		t.Logf("in %s took %d sends of %d (%v) and %d receives of 1 (%v)", state, sent, len(sends), sendErr, recvd, recvErr)
		if sendErr == nil || (recvErr == nil) != (recvd == 1) {
			t.Error("took what it should refuse, or less than it says")
		}
		due[1] += sent
		due[2] += recvd
	}
	post("RESET")
	if err := e.qp.ToInit(InitAttr{Port: 1}); err != nil {
		t.Fatal(err)
	}
	post("INIT")
	if err := e.qp.ToError(); err != nil {
		t.Fatal(err)
	}
	for _, wc := range e.poll(due[1] + due[2]) {
		if !errors.Is(wc.Err(), ErrFlushed) {
			t.Errorf("got %+v", wc)
		}
		due[wc.ID]--
	}
	if due[1] != 0 || due[2] != 0 {
		t.Errorf("too many or too few completions: %v", due)
	}
}

func TestRXERetryExceeded(t *testing.T) {
	a, b := newPair(t, config{}, hasty)
	if err := b.qp.Close(); err != nil { // Now nobody has that number.
		t.Fatal(err)
	}
	a.send(a.write(b, 1, 64), a.write(b, 2, 64))
	if err := a.pollErr(1, WCRetryExcErr); !errors.Is(err, ErrRetryExceeded) {
		t.Error(err)
	}
	if err := a.pollErr(2, WCWRFlushErr); !errors.Is(err, ErrFlushed) {
		t.Error(err)
	}
}

func TestRXERNRRetryExceeded(t *testing.T) {
	a, b := newPair(t, config{}, timers{timeout: 17, retry: 6, rnrRetry: 1})
	wr := a.write(b, 1, 64)
	wr.Op = OpWriteImm // Without a receive.
	a.send(wr)
	if err := a.pollErr(1, WCRNRRetryExcErr); !errors.Is(err, ErrRNRRetryExceeded) {
		t.Error(err)
	}
}

// TestRXEFlush is how a connection is given up: after ToError each request completes, and so memory can be freed.
func TestRXEFlush(t *testing.T) {
	a, b := newPair(t, config{}, patient)
	if err := b.qp.Close(); err != nil { // So that the sends stay outstanding.
		t.Fatal(err)
	}
	a.recv(RecvWR{ID: 100}, RecvWR{ID: 101})
	a.send(a.write(b, 1, 64), a.write(b, 2, 64))
	unsignaled := a.write(b, 3, 64)
	unsignaled.Flags = 0
	a.send(unsignaled)
	if err := a.qp.ToError(); err != nil {
		t.Fatal(err)
	}
	a.send(a.write(b, 4, 64)) // Posting to a dead queue pair is not an error, but a flush.
	var ids []uint64
	for _, wc := range a.poll(6) {
		if !errors.Is(wc.Err(), ErrFlushed) {
			t.Errorf("got %+v", wc)
		}
		ids = append(ids, wc.ID)
	}
	slices.Sort(ids)
	if want := []uint64{1, 2, 3, 4, 100, 101}; !slices.Equal(ids, want) {
		t.Errorf("flushed %v, want %v", ids, want)
	}
}
