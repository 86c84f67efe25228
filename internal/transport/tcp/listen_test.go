package tcp

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// awaited is a driver that waits for n connections.
func (h *host) awaited(t *testing.T, n int) (*driver, transport.Token) {
	t.Helper()
	p, err := h.PrepareDriver(t.Context(), transport.Setup{Direction: transport.Put, ChunkSize: chunk, Slots: 1, QPs: n})
	must(t, err)
	d, err := p.Connect(t.Context(), transport.Endpoint{Kind: transport.TCP, Conns: n})
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d.(*driver), p.Endpoint().Token
}

// mustClose fails the test unless the other end closes without a word.
func mustClose(t *testing.T, what string, c net.Conn) {
	t.Helper()
	if b, err := io.ReadAll(c); len(b) > 0 || err != nil && time.Now().After(time.Now().Add(patience)) {
		t.Errorf("%s: %q, %v", what, b, err)
	}
}

// Whoever does not bring the token, or brings it for a connection that is there, or is
// not to be, is closed, and the session goes on.
func TestStrangers(t *testing.T) {
	t.Parallel()
	h := newHost(t, nil)
	d, token := h.awaited(t, 2)
	wrong := token
	wrong[15] ^= 1
	mustClose(t, "no token", h.raw(t, preface{index: 0}.bytes()))
	mustClose(t, "another token", h.raw(t, preface{wrong, 0}.bytes()))
	mustClose(t, "too high an index", h.raw(t, preface{token, 2}.bytes()))
	mustClose(t, "highest index", h.raw(t, preface{token, 65535}.bytes()))
	mustClose(t, "another version", h.raw(t, bytes.Replace(preface{token, 0}.bytes(), []byte(" 1\r\n"), []byte(" 2\r\n"), 1)))
	mustClose(t, "garbage", h.raw(t, append([]byte(magic[:1]), noise(200)...)))

	first := h.raw(t, preface{token, 0}.bytes())
	answer := make([]byte, len(magic))
	_, err := io.ReadFull(first, answer)
	must(t, err)
	mustClose(t, "the same once more", h.raw(t, preface{token, 0}.bytes()))
	_, err = io.ReadFull(h.raw(t, preface{token, 1}.bytes()), answer)
	must(t, err)
	<-d.ready
	mustClose(t, "when all are there", h.raw(t, preface{token, 1}.bytes()))
	if d.err() != nil || h.others.Load() != 0 {
		t.Errorf("%v; %d others", d.err(), h.others.Load())
	}
}

// What is not for data comes to the listener as it was sent.
func TestOthers(t *testing.T) {
	t.Parallel()
	h := newHost(t, nil)
	for _, says := range []string{"P", "PRI * HTTP/2.0\r\n", "\x16\x03\x01", "GET /"} {
		c := h.raw(t, []byte(says))
		b := make([]byte, len(says))
		if _, err := io.ReadFull(c, b); err != nil || string(b) != says {
			t.Errorf("%q came back as %q: %v", says, b, err)
		}
	}
}

// Connections that say nothing, or say it byte by byte, are closed in time, and keep
// nobody out.
func TestMute(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(f *Fabric) { f.identify = 300 * time.Millisecond })
	mute := h.raw(t, nil)
	drip := h.raw(t, []byte(magic[:3]))
	begun := time.Now()
	mustClose(t, "mute", mute)
	mustClose(t, "drip", drip)
	if took := time.Since(begun); took > patience/2 {
		t.Errorf("after %v", took)
	}
}

// However many say nothing, who says something is served.
func TestManyMute(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(f *Fabric) { f.identify = time.Minute })
	for range maxStrangers + 50 {
		h.raw(t, nil)
	}
	l, d := h.connect(t, transport.Put, nil)
	loan, err := l.LendSource(deadline(t), noise(100), transport.Extent{Len: 100})
	must(t, err)
	_, err = d.Pull(deadline(t), loan.Ticket(), make(memory, 100), transport.Extent{Len: 100})
	must(t, err)
}

// A lender whose connections are refused, or are not heard, says so in time.
func TestRefused(t *testing.T) {
	t.Parallel()
	h := newHost(t, nil)
	p, err := h.PrepareLender(t.Context(), transport.Setup{Direction: transport.Put, ChunkSize: chunk, Slots: 1, Dial: h.dial})
	must(t, err)
	if _, err := p.Connect(deadline(t), transport.Endpoint{Kind: transport.TCP, Conns: 4}); err == nil {
		t.Error("connected without a token")
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts
	must(t, err)
	defer func() { _ = lis.Close() }()
	p, err = h.PrepareLender(t.Context(), transport.Setup{
		Direction: transport.Put, ChunkSize: chunk, Slots: 1,
		Dial: func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", lis.Addr().String())
		},
	})
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = p.Connect(ctx, transport.Endpoint{Kind: transport.TCP, Conns: 2})
	mustBe(t, err, context.DeadlineExceeded)
}
