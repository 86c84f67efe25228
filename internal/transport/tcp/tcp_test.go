package tcp_test

import (
	"context"
	"net"
	"testing"

	"go.uber.org/goleak"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/tcp"
	"github.com/rdmacp/rdmacp/internal/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host is a daemon's end: a fabric, and a listener that serves it. What is not for data
// is closed.
type host struct {
	*tcp.Fabric
	network, address string
}

func newHost(t *testing.T, network, address string) *host {
	t.Helper()
	return serve(t, network, address, func(lis net.Listener) net.Listener { return lis })
}

// serve serves a fabric; secure comes between the network and it.
func serve(t *testing.T, network, address string, secure func(net.Listener) net.Listener) *host {
	t.Helper()
	inner, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	f := tcp.New(tcp.Config{})
	lis := f.Listen(secure(inner))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = lis.Close()
		<-done
	})
	return &host{f, inner.Addr().Network(), inner.Addr().String()}
}

// dial is how a lender reaches the host.
func (h *host) dial(ctx context.Context) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, h.network, h.address)
}

// pair connects a lender and a driver.
func (h *host) pair(t *testing.T, s transport.Setup) (transport.Lender, transport.Driver) {
	t.Helper()
	s.Dial = h.dial
	return transporttest.Connect(t, tcp.New(tcp.Config{}), s, h, s)
}

func TestConformance(t *testing.T) {
	transporttest.Suite(t, newHost(t, "tcp", "127.0.0.1:0").pair)
}

func TestConformanceUnix(t *testing.T) {
	transporttest.Suite(t, newHost(t, "unix", t.TempDir()+"/s").pair)
}
