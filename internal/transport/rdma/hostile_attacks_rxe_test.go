//go:build linux

package rdma_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/rdma"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// victimSize is the length of the file that a client lends of, in chunks of 1 MiB, and
// victimByte what it is full of.
const (
	victimSize = 4 << 20
	victimByte = 0x11
)

// inMemory makes a file on tmpfs, full of one byte.
func inMemory(t *testing.T) *os.File {
	t.Helper()
	f, err := os.CreateTemp("/dev/shm", "rdmacp-test-")
	if err == nil {
		_, err = f.Write(bytes.Repeat([]byte{victimByte}, victimSize))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = f.Close(), os.Remove(f.Name()) })
	return f
}

// untouched checks that a file is what it was.
func untouched(t *testing.T, f *os.File) {
	t.Helper()
	got, err := os.ReadFile(f.Name())
	if err != nil || !bytes.Equal(got, bytes.Repeat([]byte{victimByte}, victimSize)) {
		t.Errorf("the file is not what it was, %v", err)
	}
}

// A daemon that turns against a client that puts: it can read what it was lent, and
// nothing else, and write nowhere.
func TestRXEHostileToPut(t *testing.T) {
	const chunk = 1 << 20
	for name, attack := range map[string]func(h *hostile, k transport.Ticket){
		"writes to what is lent to be read": func(h *hostile, k transport.Ticket) { h.refused(verbs.OpWrite, k.Addr, k.RKey, 4096) },
		"guesses a key":                     func(h *hostile, k transport.Ticket) { h.refused(verbs.OpRead, k.Addr, k.RKey^0x5a, 4096) },
		"reads ahead of the file":           func(h *hostile, k transport.Ticket) { h.refused(verbs.OpRead, k.Addr-chunk-4096, k.RKey, 4096) },
		"reads behind the file":             func(h *hostile, k transport.Ticket) { h.refused(verbs.OpRead, k.Addr+3*chunk, k.RKey, 4096) },
		"reads across its end":              func(h *hostile, k transport.Ticket) { h.refused(verbs.OpRead, k.Addr+3*chunk-2048, k.RKey, 4096) },
		"reads what it was lent": func(h *hostile, k transport.Ticket) {
			if got := h.post(verbs.OpRead, k.Addr, k.RKey, chunk, 0); got != verbs.WCSuccess || h.mem[0] != victimByte {
				h.t.Errorf("%v, %#x", got, h.mem[0])
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, h, victim := lenderFor(t, transport.Put)
			if !showsPages(t) {
				t.Skip("this kernel does not pin shared pages of a file for reading: a slot is lent")
			}
			h.meet(victim, hostilePSN)
			f := inMemory(t)
			loan := made(l.LendSource(t.Context(), cached{f, victimSize}, transport.Extent{Off: chunk, Len: chunk}))(t)
			attack(h, loan.Ticket())
			untouched(t, f)
		})
	}
}

// A daemon that turns against a client that gets into the page cache: it can write to what it
// was lent, once, and the client takes no more than that for the file.
func TestRXEHostileToGet(t *testing.T) {
	againstGet(t, func(f *os.File) io.WriterAt { return landed{f, victimSize} })
}

// A daemon that turns against a client that gets onto a disk, by way of a slot: the same.
func TestRXEHostileToGetBySlot(t *testing.T) {
	againstGet(t, func(f *os.File) io.WriterAt { return f })
}

// againstGet tries what a driver could try against a lender of sinks.
func againstGet(t *testing.T, sink func(*os.File) io.WriterAt) {
	t.Helper()
	const chunk = 1 << 20
	ext := transport.Extent{Off: chunk, Len: chunk}
	for name, attack := range map[string]func(h *hostile, k transport.Ticket){
		"reads what is lent to be written": func(h *hostile, k transport.Ticket) { h.refused(verbs.OpRead, k.Addr, k.RKey, 4096) },
		"guesses a key":                    func(h *hostile, k transport.Ticket) { h.refused(verbs.OpWrite, k.Addr, k.RKey^0x5a, 4096) },
		"writes ahead of it":               func(h *hostile, k transport.Ticket) { h.refused(verbs.OpWrite, k.Addr-4096, k.RKey, 4096) },
		"writes behind it":                 func(h *hostile, k transport.Ticket) { h.refused(verbs.OpWrite, k.Addr+chunk, k.RKey, 4096) },
		"writes across its end":            func(h *hostile, k transport.Ticket) { h.refused(verbs.OpWrite, k.Addr+chunk-2048, k.RKey, 4096) },
	} {
		t.Run(name, func(t *testing.T) {
			l, h, victim := lenderFor(t, transport.Get)
			h.meet(victim, hostilePSN)
			f := inMemory(t)
			loan := made(l.LendSink(t.Context(), sink(f), ext))(t)
			attack(h, loan.Ticket())
			untouched(t, f)
		})
	}
	t.Run("writes once more when the loan is returned", func(t *testing.T) {
		l, h, victim := lenderFor(t, transport.Get)
		h.meet(victim, hostilePSN)
		f := inMemory(t)
		loan := made(l.LendSink(t.Context(), sink(f), ext))(t)
		h.pushes(loan)
		h.refused(verbs.OpWrite, loan.Ticket().Addr, loan.Ticket().RKey, 4096)
		loan.Return()
		untouched(t, f)
	})
	for name, imm := range map[string]func(k transport.Ticket) (imm uint32, n int){
		"pushes into a slot that is not lent": func(k transport.Ticket) (uint32, int) { return k.Imm() + 1<<16, chunk },
		"pushes for an earlier loan":          func(k transport.Ticket) (uint32, int) { return k.Imm() + 1, chunk },
		"pushes less than was asked for":      func(k transport.Ticket) (uint32, int) { return k.Imm(), chunk / 2 },
	} {
		t.Run(name, func(t *testing.T) {
			l, h, victim := lenderFor(t, transport.Get)
			h.meet(victim, hostilePSN)
			f := inMemory(t)
			loan := made(l.LendSink(t.Context(), sink(f), ext))(t)
			k := loan.Ticket()
			said, n := imm(k)
			h.post(verbs.OpWriteImm, k.Addr, k.RKey, n, said)
			if _, err := loan.Settle(t.Context()); !errors.Is(err, transport.ErrLost) {
				t.Errorf("it was taken for the file: %v", err)
			}
		})
	}
}

// pushes pushes into a loan what the victim's file is full of, and has it settled: from then on
// the file is what it was, whatever h writes.
func (h *hostile) pushes(loan transport.Loan) {
	h.t.Helper()
	k := loan.Ticket()
	h.fill(victimByte)
	if got := h.post(verbs.OpWriteImm, k.Addr, k.RKey, int(k.Len), k.Imm()); got != verbs.WCSuccess {
		h.t.Fatal(got)
	}
	if digest, err := loan.Settle(h.t.Context()); err != nil || digest != transport.Sum(h.mem[:k.Len]) {
		h.t.Fatal(err)
	}
	h.fill(hostileByte)
}

// What was lent over an earlier connection is nothing to the next, and what a client has
// closed is nothing to anybody.
func TestRXEHostileReplay(t *testing.T) {
	const chunk = 1 << 20
	f := inMemory(t)
	l, h, victim := lenderFor(t, transport.Get)
	h.meet(victim, hostilePSN)
	old := made(l.LendSink(t.Context(), landed{f, victimSize}, transport.Extent{Len: chunk}))(t).Ticket()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := h.post(verbs.OpWrite, old.Addr, old.RKey, 4096, 0); got == verbs.WCSuccess {
		t.Error("a connection that is closed takes a write")
	}
	next, again, victim := lenderFor(t, transport.Get)
	again.meet(victim, hostilePSN)
	made(next.LendSink(t.Context(), landed{f, victimSize}, transport.Extent{Len: chunk}))(t)
	again.refused(verbs.OpWrite, old.Addr, old.RKey, 4096)
	untouched(t, f)
}

// Somebody else on the peer's host who knows the key and the queue pair, but not the
// number that the next packet has to have.
func TestRXEHostileStranger(t *testing.T) {
	l, friend, victim := lenderFor(t, transport.Get)
	friend.meet(victim, hostilePSN)
	_, b := twoRails(t)
	stranger := newHostile(t, b)
	stranger.meet(victim, hostilePSN+0x100000)
	f := inMemory(t)
	k := made(l.LendSink(t.Context(), landed{f, victimSize}, transport.Extent{Len: 1 << 20}))(t).Ticket()
	if got := stranger.post(verbs.OpWrite, k.Addr, k.RKey, 4096, 0); got == verbs.WCSuccess {
		t.Error("a stranger has written")
	}
	untouched(t, f)
}

// A client that turns against a daemon reaches nothing of its memory, and what it lends
// and does not have breaks its own connection.
func TestRXEHostileToDriver(t *testing.T) {
	a, b := twoRails(t)
	for name, attack := range map[string]func(h *hostile, d transport.Driver){
		"reads":  func(h *hostile, _ transport.Driver) { h.denied(verbs.OpRead) },
		"writes": func(h *hostile, _ transport.Driver) { h.denied(verbs.OpWrite) },
		"sends":  func(h *hostile, _ transport.Driver) { h.denied(verbs.OpSend) },
		"lends what it has not": func(h *hostile, d transport.Driver) {
			k := transport.Ticket{Addr: h.mr.Addr() + hostileSize, RKey: uint32(h.mr.RKey()), Len: 4096}
			if _, err := d.Pull(h.t.Context(), k, nowhere{}, transport.Extent{Len: 4096}); !errors.Is(err, transport.ErrLost) {
				h.t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			fabric := rdma.New(rdma.Config{})
			h := newHostile(t, b)
			pending := made(fabric.PrepareDriver(t.Context(), transport.Setup{Kind: transport.RDMA, Device: a, Direction: transport.Put, ChunkSize: 1 << 20, Slots: 4, QPs: 1}))(t)
			victim := pending.Endpoint()
			d := made(pending.Connect(t.Context(), h.endpoint()))(t)
			h.meet(victim, hostilePSN)
			attack(h, d)
			for _, c := range []func() error{d.Close, fabric.Close} {
				if err := c(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// denied checks that nothing comes of a request, whatever it names.
func (h *hostile) denied(op verbs.SendOp) {
	h.t.Helper()
	for _, addr := range []uint64{0, h.mr.Addr()} {
		if got := h.post(op, addr, uint32(h.mr.RKey()), 4096, 0); got == verbs.WCSuccess {
			h.t.Errorf("%v was answered", op)
		}
	}
}
