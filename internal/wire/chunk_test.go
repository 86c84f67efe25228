package wire_test

import (
	"math"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

func parseOffers(m *pb.Offers) error {
	_, err := wire.ToOffers(m)
	return err
}

func TestToOffers(t *testing.T) {
	many := func(n int) func(m *pb.Offers) {
		return func(m *pb.Offers) {
			for len(m.GetOffers()) < n {
				m.Offers = append(m.Offers, m.GetOffers()[0])
			}
		}
	}
	try(t, validOffers, parseOffers, []change[*pb.Offers]{
		{"none", func(m *pb.Offers) { m.Offers = nil }, true},
		{"nil offer", func(m *pb.Offers) { m.Offers[0] = nil }, false},
		{"max", many(wire.MaxOffers), true},
		{"max+1", many(wire.MaxOffers + 1), false},
		{"chunk max", func(m *pb.Offers) { m.Offers[0].Chunk = math.MaxInt64 }, true},
		{"chunk max+1", func(m *pb.Offers) { m.Offers[0].Chunk = math.MaxInt64 + 1 }, false},
		{"no ticket", func(m *pb.Offers) { m.Offers[0].Ticket = nil }, false},
		{"length 0", func(m *pb.Offers) { m.Offers[0].Ticket.Length = 0 }, false},
		{"length max", func(m *pb.Offers) { m.Offers[0].Ticket.Length = wire.MaxChunk }, true},
		{"length max+1", func(m *pb.Offers) { m.Offers[0].Ticket.Length = wire.MaxChunk + 1 }, false},
		{"no digest", func(m *pb.Offers) { m.Offers[0].Digest = nil }, false},
		{"digest of 15", func(m *pb.Offers) { m.Offers[0].Digest = make([]byte, 15) }, false},
		{"digest of 17", func(m *pb.Offers) { m.Offers[0].Digest = make([]byte, 17) }, false},
		{"only the last is bad", func(m *pb.Offers) { m.Offers = append(m.Offers, &pb.Offer{}) }, false},
	})
}

func parseSettled(m *pb.Settled) error {
	_, err := wire.ToSettlements(m)
	return err
}

func TestToSettlements(t *testing.T) {
	many := func(n int) func(m *pb.Settled) {
		return func(m *pb.Settled) {
			for len(m.GetSettlements()) < n {
				m.Settlements = append(m.Settlements, m.GetSettlements()[0])
			}
		}
	}
	try(t, validSettled, parseSettled, []change[*pb.Settled]{
		{"none", func(m *pb.Settled) { m.Settlements = nil }, true},
		{"nil settlement", func(m *pb.Settled) { m.Settlements[0] = nil }, false},
		{"max", many(wire.MaxOffers), true},
		{"max+1", many(wire.MaxOffers + 1), false},
		{"chunk max", func(m *pb.Settled) { m.Settlements[0].Chunk = math.MaxInt64 }, true},
		{"chunk max+1", func(m *pb.Settled) { m.Settlements[0].Chunk = math.MaxInt64 + 1 }, false},
		{"no digest", func(m *pb.Settled) { m.Settlements[0].Digest = nil }, false},
		{"digest of 17", func(m *pb.Settled) { m.Settlements[0].Digest = make([]byte, 17) }, false},
	})
}

func TestChunkRoundTrip(t *testing.T) {
	o := transfer.Offer{
		Chunk: math.MaxInt64, Digest: transport.Sum([]byte("x")),
		Ticket: transport.Ticket{Addr: math.MaxUint64, RKey: math.MaxUint32, Len: wire.MaxChunk, Slot: 0x1234, Gen: 0xfedc},
	}
	offers, err := wire.ToOffers(&pb.Offers{Offers: []*pb.Offer{wire.FromOffer(o)}})
	if err != nil || !reflect.DeepEqual(offers, []transfer.Offer{o}) {
		t.Errorf("Offer: got %+v, want %+v: %v", offers, o, err)
	}
	for _, again := range []bool{false, true} {
		s := transfer.Settlement{Chunk: 1, Digest: transport.Sum([]byte("y")), Again: again}
		settled, err := wire.ToSettlements(&pb.Settled{Settlements: []*pb.Settlement{wire.FromSettlement(s)}})
		if err != nil || !reflect.DeepEqual(settled, []transfer.Settlement{s}) {
			t.Errorf("Settlement: got %+v, want %+v: %v", settled, s, err)
		}
	}
}

// What the limits allow fits into the longest message.
func TestMaxMessage(t *testing.T) {
	o := validOffers().GetOffers()[0]
	o.Chunk, o.Ticket.Length = math.MaxInt64, wire.MaxChunk
	m := &pb.Offers{}
	for range wire.MaxOffers {
		m.Offers = append(m.Offers, o)
	}
	if n := proto.Size(&pb.SessionRequest{Message: &pb.SessionRequest_Offers{Offers: m}}); n > wire.MaxMessage {
		t.Errorf("%d offers take %d bytes, and a message has at most %d", wire.MaxOffers, n, wire.MaxMessage)
	}
}

func TestCountersRoundTrip(t *testing.T) {
	before := transport.Stats{Bytes: 1, Chunks: 1, CopiedBytes: 1, WorkReqs: 1, Completions: 1, Wakeups: 1}
	now := transport.Stats{Bytes: 2, Chunks: 3, CopiedBytes: 4, WorkReqs: 5, Completions: 6, Wakeups: 7}
	want := wire.Counters{Bytes: 1, Chunks: 2, CopiedBytes: 3, WorkRequests: 4, Completions: 5, Wakeups: 6}
	if got := wire.ToCounters(wire.FromCounters(wire.CountersSince(before, now))); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
