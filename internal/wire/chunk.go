package wire

import (
	"fmt"
	"math"

	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// FromOffer returns o as a message.
func FromOffer(o transfer.Offer) *pb.Offer {
	return &pb.Offer{
		Chunk:  uint64(o.Chunk),
		Digest: o.Digest[:],
		Ticket: &pb.Ticket{Address: o.Ticket.Addr, Rkey: o.Ticket.RKey, Length: o.Ticket.Len, Immediate: o.Ticket.Imm()},
	}
}

// ToOffers returns what m holds.
func ToOffers(m *pb.Offers) ([]transfer.Offer, error) {
	if n := len(m.GetOffers()); n > MaxOffers {
		return nil, invalid("Offers", fmt.Errorf("%d offers in one message", n))
	}
	offers := make([]transfer.Offer, 0, len(m.GetOffers()))
	for _, o := range m.GetOffers() {
		t := o.GetTicket()
		if o.GetChunk() > math.MaxInt64 || t == nil || t.GetLength() == 0 || t.GetLength() > MaxChunk {
			return nil, invalid("Offers", fmt.Errorf("chunk %d in %d bytes", o.GetChunk(), t.GetLength()))
		}
		digest, err := toDigest(o.GetDigest())
		if err != nil {
			return nil, invalid("Offers", err)
		}
		offers = append(offers, transfer.Offer{
			Chunk:  int64(o.GetChunk()),
			Digest: digest,
			Ticket: transport.Ticket{
				Addr: t.GetAddress(), RKey: t.GetRkey(), Len: t.GetLength(),
				Slot: uint16(t.GetImmediate() >> 16), Gen: uint16(t.GetImmediate()),
			},
		})
	}
	return offers, nil
}

// FromSettlement returns s as a message.
func FromSettlement(s transfer.Settlement) *pb.Settlement {
	return &pb.Settlement{Chunk: uint64(s.Chunk), Digest: s.Digest[:], Again: s.Again}
}

// ToSettlements returns what m holds.
func ToSettlements(m *pb.Settled) ([]transfer.Settlement, error) {
	if n := len(m.GetSettlements()); n > MaxOffers {
		return nil, invalid("Settled", fmt.Errorf("%d settlements in one message", n))
	}
	settled := make([]transfer.Settlement, 0, len(m.GetSettlements()))
	for _, s := range m.GetSettlements() {
		if s.GetChunk() > math.MaxInt64 {
			return nil, invalid("Settled", fmt.Errorf("chunk %d", s.GetChunk()))
		}
		digest, err := toDigest(s.GetDigest())
		if err != nil {
			return nil, invalid("Settled", err)
		}
		settled = append(settled, transfer.Settlement{Chunk: int64(s.GetChunk()), Digest: digest, Again: s.GetAgain()})
	}
	return settled, nil
}

// toDigest accepts 16 bytes.
func toDigest(b []byte) (transport.Digest, error) {
	if len(b) != len(transport.Digest{}) {
		return transport.Digest{}, fmt.Errorf("a digest of %d bytes: it has %d", len(b), len(transport.Digest{}))
	}
	return transport.Digest(b), nil
}
