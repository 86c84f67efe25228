package wire_test

import (
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

func parseHello(m *pb.Hello) error {
	_, err := wire.ToHello(m, "v1")
	return err
}

func TestToHello(t *testing.T) {
	try(t, validHello, parseHello, []change[*pb.Hello]{
		{"no endpoint", func(m *pb.Hello) { m.Endpoint = nil }, false},
		{"direction 0", func(m *pb.Hello) { m.Direction = 0 }, false},
		{"direction get", func(m *pb.Hello) { m.Direction = 2 }, true},
		{"direction 3", func(m *pb.Hello) { m.Direction = 3 }, false},
		{"direction -1", func(m *pb.Hello) { m.Direction = -1 }, false},
		{"chunk 0", func(m *pb.Hello) { m.ChunkSize = 0 }, false},
		{"chunk min-1", func(m *pb.Hello) { m.ChunkSize = wire.MinChunk - 1 }, false},
		{"chunk min", func(m *pb.Hello) { m.ChunkSize = wire.MinChunk }, true},
		{"chunk max", func(m *pb.Hello) { m.ChunkSize = wire.MaxChunk }, true},
		{"chunk max+1", func(m *pb.Hello) { m.ChunkSize = wire.MaxChunk + 1 }, false},
		{"slots 0", func(m *pb.Hello) { m.Slots = 0 }, false},
		{"slots max", func(m *pb.Hello) { m.Slots = wire.MaxSlots }, true},
		{"slots max+1", func(m *pb.Hello) { m.Slots = wire.MaxSlots + 1 }, false},
		{"slots huge", func(m *pb.Hello) { m.Slots = math.MaxUint32 }, false},
	})
}

func TestToEndpoint(t *testing.T) {
	qps := func(n int, qp *pb.QueuePair) func(m *pb.Hello) {
		return func(m *pb.Hello) {
			m.Endpoint.QueuePairs = nil
			for range n {
				m.Endpoint.QueuePairs = append(m.Endpoint.QueuePairs, qp)
			}
		}
	}
	changes := []change[*pb.Hello]{
		{"no GID", func(m *pb.Hello) { m.Endpoint.Gid = nil }, false},
		{"GID of 15", func(m *pb.Hello) { m.Endpoint.Gid = make([]byte, 15) }, false},
		{"GID of 17", func(m *pb.Hello) { m.Endpoint.Gid = make([]byte, 17) }, false},
		{"LID max", func(m *pb.Hello) { m.Endpoint.Lid = 1<<16 - 1 }, true},
		{"LID max+1", func(m *pb.Hello) { m.Endpoint.Lid = 1 << 16 }, false},
		{"link layer 0", func(m *pb.Hello) { m.Endpoint.LinkLayer = 0 }, false},
		{"link layer InfiniBand", func(m *pb.Hello) { m.Endpoint.LinkLayer = 1 }, true},
		{"link layer 3", func(m *pb.Hello) { m.Endpoint.LinkLayer = 3 }, false},
		{"MTU 0", func(m *pb.Hello) { m.Endpoint.Mtu = 0 }, false},
		{"MTU 256", func(m *pb.Hello) { m.Endpoint.Mtu = 256 }, true},
		{"MTU 1500", func(m *pb.Hello) { m.Endpoint.Mtu = 1500 }, false},
		{"MTU 8192", func(m *pb.Hello) { m.Endpoint.Mtu = 8192 }, false},
		{"message 0", func(m *pb.Hello) { m.Endpoint.MaxMessage = 0 }, false},
		{"message min-1", func(m *pb.Hello) { m.Endpoint.MaxMessage = wire.MinChunk - 1 }, false},
		{"message max", func(m *pb.Hello) { m.Endpoint.MaxMessage = math.MaxUint32 }, true},
		{"reads 0", func(m *pb.Hello) { m.Endpoint.MaxRead = 0 }, false},
		{"reads max", func(m *pb.Hello) { m.Endpoint.MaxRead = 1<<16 - 1 }, true},
		{"reads max+1", func(m *pb.Hello) { m.Endpoint.MaxRead = 1 << 16 }, false},
		{"no queue pair", qps(0, nil), false},
		{"queue pairs max", qps(wire.MaxQPs, &pb.QueuePair{Number: 2}), true},
		{"queue pairs max+1", qps(wire.MaxQPs+1, &pb.QueuePair{Number: 2}), false},
		{"queue pair nil", qps(1, nil), false},
		{"queue pair 1", qps(1, &pb.QueuePair{Number: 1}), false},
		{"queue pair max", qps(1, &pb.QueuePair{Number: 1<<24 - 1}), true},
		{"queue pair max+1", qps(1, &pb.QueuePair{Number: 1 << 24}), false},
		{"PSN max+1", qps(1, &pb.QueuePair{Number: 2, Psn: 1 << 24}), false},
	}
	try(t, validHello, parseHello, changes)
}

func TestToEndpointTCP(t *testing.T) {
	valid := func() *pb.Hello {
		h := validHello()
		h.Endpoint = &pb.Endpoint{Transport: pb.Transport_TRANSPORT_TCP, Device: "10.0.0.1", MaxMessage: 1 << 30, Connections: 4}
		return h
	}
	try(t, valid, parseHello, []change[*pb.Hello]{
		{"transport 3", func(m *pb.Hello) { m.Endpoint.Transport = 3 }, false},
		{"transport RDMA", func(m *pb.Hello) { m.Endpoint.Transport = 1 }, false},
		{"token of 15", func(m *pb.Hello) { m.Endpoint.Token = make([]byte, 15) }, false},
		{"token of 16", func(m *pb.Hello) { m.Endpoint.Token = make([]byte, 16) }, true},
		{"token of 17", func(m *pb.Hello) { m.Endpoint.Token = make([]byte, 17) }, false},
		{"no connection", func(m *pb.Hello) { m.Endpoint.Connections = 0 }, false},
		{"connections max", func(m *pb.Hello) { m.Endpoint.Connections = wire.MaxQPs }, true},
		{"connections max+1", func(m *pb.Hello) { m.Endpoint.Connections = wire.MaxQPs + 1 }, false},
		{"message min-1", func(m *pb.Hello) { m.Endpoint.MaxMessage = wire.MinChunk - 1 }, false},
		{"message min", func(m *pb.Hello) { m.Endpoint.MaxMessage = wire.MinChunk }, true},
	})
}

func TestToWelcome(t *testing.T) {
	const asked = 1 << 20
	parse := func(m *pb.Welcome) error {
		_, err := wire.ToWelcome(m, asked, "v1")
		return err
	}
	try(t, validWelcome, parse, []change[*pb.Welcome]{
		{"no endpoint", func(m *pb.Welcome) { m.Endpoint = nil }, false},
		{"chunk 0", func(m *pb.Welcome) { m.ChunkSize = 0 }, false},
		{"chunk min", func(m *pb.Welcome) { m.ChunkSize = wire.MinChunk }, true},
		{"chunk as asked", func(m *pb.Welcome) { m.ChunkSize = asked }, true},
		{"chunk beyond", func(m *pb.Welcome) { m.ChunkSize = asked + 1 }, false},
	})
}

// The versions of both ends stand in the message, and the peer's cannot drive a
// terminal.
func TestVersionSkew(t *testing.T) {
	h, w := validHello(), validWelcome()
	h.Protocol, h.Version = 2, "v2\x1b[2J"
	w.Protocol, w.Version = 0, "v0"
	_, helloErr := wire.ToHello(h, "v1")
	_, welcomeErr := wire.ToWelcome(w, 1<<20, "v1")
	for _, err := range []error{helloErr, welcomeErr} {
		if fault.CodeOf(err) != fault.Version || strings.ContainsRune(err.Error(), 0x1b) || !strings.Contains(err.Error(), "v1") {
			t.Errorf("got %q", err)
		}
	}
}

func TestHelloRoundTrip(t *testing.T) {
	roundTrip(t, transport.Endpoint{
		Kind: transport.RDMA, Device: "rxe0/1", GID: netip.MustParseAddr("::ffff:10.0.0.1"), LID: 1, LinkLayer: transport.InfiniBand,
		MTU: 1024, MaxMessage: 1 << 31, MaxRead: 128, QPs: []transport.QP{{Number: 2, PSN: 0}, {Number: 1<<24 - 1, PSN: 1<<24 - 1}},
	})
	roundTrip(t, transport.Endpoint{Kind: transport.TCP, Device: "10.0.0.1", MaxMessage: 1 << 30, Conns: 4})
	roundTrip(t, transport.Endpoint{Kind: transport.TCP, Device: "unix", MaxMessage: 1 << 30, Conns: 1, Token: transport.Token{15: 1}})
}

func roundTrip(t *testing.T, e transport.Endpoint) {
	t.Helper()
	h := wire.Hello{Version: "v1", Endpoint: e, Direction: transport.Get, ChunkSize: wire.MaxChunk, Slots: wire.MaxSlots, Unverified: true, Fallback: "no device", FallbackCode: fault.NoDevice}
	if got, err := wire.ToHello(wire.FromHello(h), "v1"); err != nil || !reflect.DeepEqual(got, h) {
		t.Errorf("Hello: got %+v, want %+v: %v", got, h, err)
	}
	w := wire.Welcome{Version: "v1", Endpoint: e, ChunkSize: wire.MinChunk, Session: "S"}
	if got, err := wire.ToWelcome(wire.FromWelcome(w), wire.MinChunk, "v1"); err != nil || !reflect.DeepEqual(got, w) {
		t.Errorf("Welcome: got %+v, want %+v: %v", got, w, err)
	}
}
