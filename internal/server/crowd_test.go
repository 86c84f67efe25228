package server_test

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/transport/tcp"
)

// flood makes n connections from 127.0.0.2, each of which does the same, and makes them anew
// when they are closed, as long as the test lasts.
func (d *daemon) flood(t *testing.T, n int, do func(ctx context.Context, c net.Conn)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	t.Cleanup(func() { cancel(); all.Wait() })
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	for i := range n {
		all.Go(func() {
			rest(ctx, time.Duration(i)*time.Second/time.Duration(n))
			for ctx.Err() == nil {
				if c, err := dialer.DialContext(ctx, "tcp", d.addr); err == nil {
					stop := context.AfterFunc(ctx, func() { _ = c.Close() })
					do(ctx, c)
					_, _ = io.Copy(io.Discard, c) // until it is closed
					stop()
					_ = c.Close()
				}
				rest(ctx, time.Second)
			}
		})
	}
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// drip says something byte by byte.
func drip(says string) func(context.Context, net.Conn) {
	return func(ctx context.Context, c net.Conn) {
		for i := range says {
			if _, err := io.WriteString(c, says[i:i+1]); err != nil {
				return
			}
			rest(ctx, 500*time.Millisecond)
		}
	}
}

// speak begins HTTP/2, and opens no session.
func speak(_ context.Context, c net.Conn) {
	_, _ = io.WriteString(c, http2.ClientPreface)
	_ = http2.NewFramer(c, c).WriteSettings()
}

// However many connections one address makes, and whatever they leave undone, who comes from
// another is served at once.
func TestHostileCrowd(t *testing.T) { //nolint:paralleltest // each of them takes a core
	there, here := proof(t)
	hello := "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" // of a ClientHello
	for name, tt := range map[string]struct {
		tls bool
		n   int
		do  func(context.Context, net.Conn)
	}{
		"nothing is said":                 {false, 1000, func(context.Context, net.Conn) {}},
		"nothing is said under TLS":       {true, 1000, func(context.Context, net.Conn) {}},
		"half a handshake":                {true, 1000, func(_ context.Context, c net.Conn) { _, _ = io.WriteString(c, hello) }},
		"a handshake byte by byte":        {true, 1000, drip(hello)},
		"a preface byte by byte":          {false, 1000, drip(http2.ClientPreface)},
		"a preface for data byte by byte": {false, 1000, drip("\xd7rdmacp data 1\r\n")},
		"no session":                      {false, 1000, speak},
		// Each handshake takes this end of the test as much of the CPU as the daemon.
		"a handshake and no session behind": {true, 300, func(ctx context.Context, c net.Conn) { prove(ctx, here, c) }},
	} {
		t.Run(name, func(t *testing.T) {
			data := tcp.New(tcp.Config{})
			d := startOn(t, func(l net.Listener) net.Listener {
				if tt.tls {
					l = there.Listen(l)
				}
				return data.Listen(l)
			}, memory.Faults{})
			d.flood(t, tt.n, tt.do)
			o := d.options(transport.Put)
			if tt.tls {
				o.TLS = here
			}
			late := 0
			for range 5 {
				time.Sleep(500 * time.Millisecond)
				begun := time.Now()
				s, err := client.Dial(t.Context(), o)
				must(t, err)
				_, err = put(t.Context(), t, s, noise(chunk+1), to("x"), nil)
				must(t, err)
				if took := time.Since(begun); took > 2*time.Second {
					late++
					t.Logf("somebody else is served after %v", took)
				}
				must(t, s.Close())
			}
			holds(t, filepath.Join(d.dir, "x"), noise(chunk+1))
			if late > 2 { // the machine may have had something else to do
				t.Errorf("%d times somebody else was served late", late)
			}
		})
	}
}

// prove proves who the client is, and says nothing more.
func prove(ctx context.Context, s *mtls.Store, c net.Conn) {
	p, err := s.Handshake(ctx, c, "127.0.0.1")
	if err == nil {
		speak(ctx, p)
	}
}
