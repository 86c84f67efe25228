package tcp

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

const (
	chunk    = 128 << 10
	patience = 20 * time.Second
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustBe(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// host serves a fabric on loopback, and counts what comes that is not for data.
type host struct {
	*Fabric
	address string
	others  atomic.Int64
}

// newHost serves; change, which may be nil, sets its limits.
func newHost(t *testing.T, change func(*Fabric)) *host {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	h := &host{Fabric: New(Config{}), address: inner.Addr().String()}
	if change != nil {
		change(h.Fabric)
	}
	lis, done := h.Listen(inner), make(chan struct{})
	var echoes sync.WaitGroup
	go func() {
		defer close(done)
		for {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			h.others.Add(1)
			echoes.Go(func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			})
		}
	}()
	t.Cleanup(func() {
		_ = lis.Close()
		<-done
		echoes.Wait()
	})
	return h
}

func (h *host) dial(ctx context.Context) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", h.address)
}

// raw is a connection that has said something.
func (h *host) raw(t *testing.T, says []byte) net.Conn {
	t.Helper()
	c, err := h.dial(deadline(t))
	must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	_, err = c.Write(says)
	must(t, err)
	must(t, c.SetDeadline(time.Now().Add(patience)))
	return c
}

// connect connects a lender and a driver; wrap comes between the lender and its
// connections.
func (h *host) connect(t *testing.T, d transport.Direction, wrap func(net.Conn) net.Conn) (transport.Lender, *driver) {
	t.Helper()
	s := transport.Setup{Direction: d, ChunkSize: chunk, Slots: 4, QPs: 2}
	s.Dial = func(ctx context.Context) (net.Conn, error) {
		c, err := h.dial(ctx)
		if err != nil || wrap == nil {
			return c, err
		}
		return wrap(c), nil
	}
	ctx := deadline(t)
	pd, err := h.PrepareDriver(ctx, s)
	must(t, err)
	pl, err := h.PrepareLender(ctx, s)
	must(t, err)
	dr, err := pd.Connect(ctx, pl.Endpoint())
	must(t, err)
	t.Cleanup(func() { must(t, dr.Close()) })
	l, err := pl.Connect(ctx, pd.Endpoint())
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	return l, dr.(*driver)
}

// memory is a source and a sink.
type memory []byte

func (m memory) ReadAt(b []byte, off int64) (int, error)  { return copy(b, m[off:]), nil }
func (m memory) WriteAt(b []byte, off int64) (int, error) { return copy(m[off:], b), nil }

func noise(n int) memory {
	m, x := make(memory, n), uint32(2463534242)
	for i := range m {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		m[i] = byte(x)
	}
	return m
}

// paged is a file that says where its bytes are.
type paged struct{ *os.File }

func (p paged) Place(ext transport.Extent, take func(transport.Place) error) bool {
	return take(transport.Place{File: p.File, Off: ext.Off, Until: 1 << 62}) == nil
}

func newPaged(t *testing.T, content []byte, off int64) paged {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	must(t, err)
	t.Cleanup(func() { _ = f.Close() })
	_, err = f.WriteAt(content, off)
	must(t, err)
	return paged{f}
}
