//go:build linux && cgo

package verbs

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"
)

func lockThread() { runtime.LockOSThread() } // Never unlocked: the thread ends with its goroutine.

// wait is Wait with patience.
func (e *end) wait() *CQ {
	e.t.Helper()
	late, stop := context.WithTimeout(context.Background(), patience)
	defer stop()

	return must[*CQ](e.t)(e.ch.Wait(late))
}

func (e *end) arm(solicitedOnly bool) {
	e.t.Helper()
	if err := e.cq.ReqNotify(solicitedOnly); err != nil {
		e.t.Fatal(err)
	}
}

func TestRXEWait(t *testing.T) {
	a, b := newPair(t, config{}, patient)
	a.arm(false)
	time.AfterFunc(50*time.Millisecond, func() { a.send(a.write(b, 1, 64)) })
	if cq := a.wait(); cq != a.cq {
		t.Fatal("Wait gave another CQ")
	}
	a.pollOK(1, OpcodeRDMAWrite)

	// Not armed, it doesn't wake.
	a.send(a.write(b, 2, 64))
	a.pollOK(2, OpcodeRDMAWrite)
	late, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	if cq, err := a.ch.Wait(late); cq != nil || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, %v", cq, err)
	}
}

func TestRXEWaitSolicited(t *testing.T) {
	a, b := newPair(t, config{}, patient)
	wr := SendWR{ID: 1, Op: OpSendImm, Flags: SendSignaled}
	b.recv(RecvWR{ID: 1}, RecvWR{ID: 2})
	b.arm(true)
	a.send(wr)
	a.pollOK(1, OpcodeSend)
	b.pollOK(1, OpcodeRecv)
	late, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	if _, err := b.ch.Wait(late); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a completion that is not solicited gave %v", err)
	}
	wr.Flags |= SendSolicited
	a.send(wr)
	b.wait()
	b.pollOK(2, OpcodeRecv)
}

func TestRXEWaitEnds(t *testing.T) {
	ctx := must[*Context](t)(Open(requireRXE(t)[0]))
	closeLater(t, ctx)
	ch := must[*CompChannel](t)(ctx.CreateCompChannel())
	done, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	for range 2 {
		if _, err := ch.Wait(done); !errors.Is(err, context.Canceled) {
			t.Errorf("canceled, it gave %v", err)
		}
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if _, err := ch.Wait(t.Context()); !errors.Is(err, ErrClosed) {
				t.Errorf("closed, it gave %v", err)
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	if err := ch.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

// TestRXEManyEventsThenClose closes a CQ with events that were read, some acknowledged and some not, and with one that
// was never read. ibv_destroy_cq would hang if the count were wrong.
func TestRXEManyEventsThenClose(t *testing.T) {
	a, b := newPair(t, config{}, patient)
	for i := range 3*ackBatch + 7 {
		a.arm(false)
		a.send(a.write(b, uint64(i), 8))
		a.wait()
		a.pollOK(uint64(i), OpcodeRDMAWrite)
	}
	a.arm(false)
	a.send(a.write(b, 999, 8))
	a.pollOK(999, OpcodeRDMAWrite)
	closed := make(chan error, 1)
	go func() { closed <- errors.Join(a.qp.Close(), a.cq.Close(), a.ch.Close()) }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("Close hangs")
	}
}

// TestRXECloseRaces uses queues while they are closed: every call finishes or says ErrClosed.
func TestRXECloseRaces(t *testing.T) {
	for range 5 {
		a, b := newPair(t, config{}, patient)
		var wg sync.WaitGroup
		until := func(f func() error) {
			wg.Go(func() {
				for {
					err := f()
					if errors.Is(err, ErrClosed) {
						return
					}
					runtime.Gosched()
				}
			})
		}
		wcs := make([]WC, 64)
		write, recv := []SendWR{a.write(b, 1, 64)}, []RecvWR{{ID: 1}}
		until(func() error { _, err := a.qp.PostSend(write); return err })
		until(func() error { _, err := a.qp.PostRecv(recv); return err })
		until(func() error { _, err := a.qp.State(); return err })
		until(func() error { _, err := a.cq.Poll(wcs); return err })
		until(func() error { return a.cq.ReqNotify(false) })
		until(func() error { _, err := a.ch.Wait(context.Background()); return err })
		until(func() error { _, err := a.ctx.NextEvent(context.Background()); return err })
		time.Sleep(20 * time.Millisecond)
		for _, c := range []interface{ Close() error }{a.qp, a.mr, a.cq, a.ch, a.pd, a.ctx} {
			if err := c.Close(); err != nil {
				t.Errorf("closing %T: %v", c, err)
			}
		}
		wg.Wait()
	}
}

func TestRXEDataPathAllocatesNothing(t *testing.T) {
	a, b := newPair(t, config{}, patient)
	var (
		wcs   [64]WC
		sends [40]SendWR
		recvs [1]RecvWR
	)
	for i := range sends {
		sends[i] = a.write(b, 1, 8)
	}
	allocs := testing.AllocsPerRun(10, func() {
		n, err := a.qp.PostSend(sends[:])
		if err != nil {
			t.Fatal(n, err)
		}
		for got := 0; got < len(sends); {
			n, err := a.cq.Poll(wcs[:])
			if err != nil {
				t.Fatal(err)
			}
			got += n
			runtime.Gosched()
		}
		if err := a.cq.ReqNotify(false); err != nil {
			t.Fatal(err)
		}
		recvs[0].ID++
		if _, err := a.qp.PostRecv(recvs[:]); err != nil {
			t.Fatal(err)
		}
	})
	if allocs >= 1 {
		t.Errorf("%v allocations for each round of posting and polling", allocs)
	}
}

func BenchmarkRXEPollEmpty(b *testing.B) {
	e := newEnd(b, config{})
	var wcs [32]WC
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.cq.Poll(wcs[:]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRXEWrite(b *testing.B) {
	a, peer := newPair(b, config{}, patient)
	var wcs [32]WC
	sends := make([]SendWR, 32)
	for i := range sends {
		sends[i] = a.write(peer, 1, 4096)
	}
	b.SetBytes(int64(len(sends)) * 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.qp.PostSend(sends); err != nil {
			b.Fatal(err)
		}
		for got := 0; got < len(sends); {
			n, err := a.cq.Poll(wcs[:])
			if err != nil {
				b.Fatal(err)
			}
			got += n
		}
	}
}

// TestRXECloseWhileReading closes a CQ whose event is being read: it is either counted and acknowledged or never read.
func TestRXECloseWhileReading(t *testing.T) {
	e := newEnd(t, config{})
	for range 100 {
		cq := must[*CQ](t)(e.ctx.CreateCQ(4, e.ch))
		qp := must[*QP](t)(e.pd.CreateQP(QPInitAttr{SendCQ: cq, RecvCQ: cq, MaxSendWR: 1, MaxRecvWR: 1}))
		err := errors.Join(qp.ToInit(InitAttr{Port: 1}), cq.ReqNotify(false))
		if _, postErr := qp.PostRecv([]RecvWR{{ID: 1}}); errors.Join(err, postErr) != nil {
			t.Fatal(err, postErr)
		}
		// The flush of the receive makes the event.
		if err := errors.Join(qp.ToError(), qp.Close()); err != nil {
			t.Fatal(err)
		}
		late, stop := context.WithTimeout(t.Context(), patience)
		var wg sync.WaitGroup
		wg.Go(func() {
			got, err := e.ch.Wait(late)
			if err == nil && got != cq || err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, %v", got, err)
			}
		})
		if err := cq.Close(); err != nil {
			t.Error(err)
		}
		stop()
		wg.Wait()
	}
}
