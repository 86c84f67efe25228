package tcp

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// odd is a lender's connection that does what a test wants of it.
type odd struct {
	net.Conn
	left  *atomic.Int64 // bytes that pass, prefaces among them; nil: any number
	atEnd func(net.Conn) error
	pause time.Duration // ahead of each KiB
}

func (o *odd) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		time.Sleep(o.pause)
		part := b[done:min(len(b), done+1024)]
		if o.left != nil && o.left.Add(-int64(len(part))) < 0 {
			if err := o.atEnd(o.Conn); err != nil {
				return done, err
			}
			done += len(part) // into nothing
			continue
		}
		n, err := o.Conn.Write(part)
		if done += n; err != nil {
			return done, err
		}
	}
	return done, nil
}

// A peer that dies in the middle of a frame, or goes silent there without a word, costs
// the connection, and soon.
func TestPeerEndsInFrame(t *testing.T) {
	t.Parallel()
	for name, atEnd := range map[string]func(net.Conn) error{
		"closed": net.Conn.Close,
		"reset":  func(c net.Conn) error { _ = c.(*net.TCPConn).SetLinger(0); return c.Close() },
		"silent": func(net.Conn) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, func(f *Fabric) { f.stall = time.Second })
			left := &atomic.Int64{}
			left.Store(2*prefaceSize + headerSize + 10_000)
			l, d := h.connect(t, transport.Put, func(c net.Conn) net.Conn { return &odd{Conn: c, left: left, atEnd: atEnd} })
			loan, err := l.LendSource(deadline(t), noise(chunk), transport.Extent{Len: chunk})
			must(t, err)
			_, err = d.Pull(deadline(t), loan.Ticket(), make(memory, chunk), transport.Extent{Len: chunk})
			mustBe(t, err, transport.ErrLost)
		})
	}
}

// A peer that is slow is not dead.
func TestSlowPeer(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(f *Fabric) { f.stall = 500 * time.Millisecond })
	l, d := h.connect(t, transport.Put, func(c net.Conn) net.Conn { return &odd{Conn: c, pause: 10 * time.Millisecond} })
	loan, err := l.LendSource(deadline(t), noise(chunk), transport.Extent{Len: chunk})
	must(t, err)
	begun := time.Now()
	digest, err := d.Pull(deadline(t), loan.Ticket(), make(memory, chunk), transport.Extent{Len: chunk})
	must(t, err)
	if took := time.Since(begun); digest != transport.Sum(noise(chunk)) || took < 2*h.stall {
		t.Errorf("%v after %v", digest, took)
	}
}

// A call that was cancelled leaves the connection alone, and its place is free once the
// bytes have come.
func TestCancelInFlight(t *testing.T) {
	t.Parallel()
	l, d := newHost(t, nil).connect(t, transport.Put, func(c net.Conn) net.Conn { return &odd{Conn: c, pause: 2 * time.Millisecond} })
	ext := transport.Extent{Len: chunk}
	for range 6 {
		loan, err := l.LendSource(deadline(t), noise(chunk), ext)
		must(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		_, err = d.Pull(ctx, loan.Ticket(), make(memory, chunk), ext)
		cancel()
		mustBe(t, err, context.DeadlineExceeded)
		for len(d.free) < cap(d.free) {
			time.Sleep(time.Millisecond)
		}
		loan.Return()
	}
	loan, err := l.LendSource(deadline(t), noise(chunk), ext)
	must(t, err)
	digest, err := d.Pull(deadline(t), loan.Ticket(), make(memory, chunk), ext)
	if err != nil || digest != transport.Sum(noise(chunk)) {
		t.Errorf("%v, %v", digest, err)
	}
}

// A lender that never dials costs the driver's call no more than the time limit.
func TestNobodyDials(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(f *Fabric) { f.stall = 100 * time.Millisecond })
	s := transport.Setup{Direction: transport.Put, ChunkSize: chunk, Slots: 1, QPs: 1}
	p, err := h.PrepareDriver(t.Context(), s)
	must(t, err)
	d, err := p.Connect(t.Context(), transport.Endpoint{Kind: transport.TCP, Conns: 1})
	must(t, err)
	_, err = d.Pull(deadline(t), transport.Ticket{Len: 1}, make(memory, 1), transport.Extent{Len: 1})
	mustBe(t, err, transport.ErrLost)
	must(t, d.Close())
	if len(h.waiting) > 0 {
		t.Error("the driver still waits")
	}
}

// What a driver must not ask breaks the session's connections, and settles nothing.
func TestHostileDriver(t *testing.T) {
	t.Parallel()
	ext := transport.Extent{Len: chunk}
	for name, attack := range map[string]func(c net.Conn, tk transport.Ticket) error{
		"garbage": func(c net.Conn, _ transport.Ticket) error { return say(c, noise(100)) },
		"zeros":   func(c net.Conn, _ transport.Ticket) error { return say(c, make([]byte, 100)) },
		"pull":    func(c net.Conn, tk transport.Ticket) error { return say(c, header{opPull, tk}.bytes()) },
		"answer":  func(c net.Conn, tk transport.Ticket) error { return say(c, header{opData, tk}.bytes()) },
		"slot": func(c net.Conn, tk transport.Ticket) error {
			tk.Slot = 60000
			return say(c, header{opPush, tk}.bytes())
		},
		"longer": func(c net.Conn, tk transport.Ticket) error {
			tk.Len++
			return say(c, header{opPush, tk}.bytes())
		},
		"twice": func(c net.Conn, tk transport.Ticket) error {
			frame := append(header{opPush, tk}.bytes(), noise(chunk)...)
			return say(c, append(frame, frame...))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, d := newHost(t, nil).connect(t, transport.Get, nil)
			sink := make(memory, chunk)
			loan, err := l.LendSink(deadline(t), sink, ext)
			must(t, err)
			_ = attack(d.lanes[0].conn, loan.Ticket()) // it may be cut off
			<-l.(*lender).broken
			_, err = l.LendSink(deadline(t), sink, ext)
			mustBe(t, err, transport.ErrLost)
		})
	}
}

func say(c io.Writer, b []byte) error {
	_, err := c.Write(b)
	return err
}

// An answer that nobody asked for, or another one, breaks the driver's connections.
func TestHostileLender(t *testing.T) {
	t.Parallel()
	ext := transport.Extent{Len: chunk}
	for name, says := range map[string]func(tk transport.Ticket) []byte{
		"garbage": func(transport.Ticket) []byte { return noise(100) },
		"other":   func(tk transport.Ticket) []byte { tk.Gen++; return header{opData, tk}.bytes() },
		"done":    func(tk transport.Ticket) []byte { return header{opDone, tk}.bytes() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, d := newHost(t, nil).connect(t, transport.Put, func(c net.Conn) net.Conn { return &odd{Conn: c, pause: time.Second} })
			loan, err := l.LendSource(deadline(t), noise(chunk), ext)
			must(t, err)
			go func() {
				for _, c := range l.(*lender).conns {
					_, _ = c.(*odd).Conn.Write(says(loan.Ticket()))
				}
			}()
			_, err = d.Pull(deadline(t), loan.Ticket(), make(memory, chunk), ext)
			mustBe(t, err, transport.ErrLost)
		})
	}
}
