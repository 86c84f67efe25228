package wire

import (
	"fmt"

	"github.com/rdmacp/rdmacp/internal/transfer"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/rails"
	"github.com/rdmacp/rdmacp/internal/tree"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// FromOffer returns o as a message.
func FromOffer(o transfer.Offer) *pb.Offer {
	m := &pb.Offer{Id: uint64(o.ID), Digest: fromDigest(o.Digest)}
	if m.Plain = plainSegments(o.Segments); m.Plain == nil {
		m.Segments = each(o.Segments, fromSegment)
	}
	if t := o.Ticket; t.Len != 0 {
		m.Ticket = &pb.Ticket{Address: t.Addr, Rkey: t.RKey, Length: t.Len, Immediate: t.Imm(), Rail: uint32(t.Rail)}
	}
	return m
}

func toOffer(m *pb.Offer) (o transfer.Offer, err error) {
	o.ID = int64(m.GetId())
	if n, plain := len(m.GetSegments()), len(m.GetPlain()); o.ID <= 0 || (n == 0) == (plain == 0) {
		return o, fmt.Errorf("offer %d of %d segments, and %d numbers of plain ones", o.ID, n, plain)
	}
	if m.GetPlain() != nil {
		o.Segments, err = toPlainSegments(m.GetPlain())
	} else {
		o.Segments, err = all("segments", m.GetSegments(), MaxSegments, toSegment)
	}
	if err != nil {
		return o, err
	}
	var sum int64
	for _, s := range o.Segments {
		sum += s.Len
	}
	if sum > MaxChunk {
		return o, fmt.Errorf("offer %d of %d bytes", o.ID, sum)
	}
	if t := m.GetTicket(); t != nil {
		if t.GetLength() == 0 || t.GetLength() > MaxChunk {
			return o, fmt.Errorf("offer %d lends %d bytes", o.ID, t.GetLength())
		}
		if t.GetRail() >= rails.Ever {
			return o, fmt.Errorf("offer %d lends on rail %d", o.ID, t.GetRail())
		}
		o.Ticket = transport.Ticket{
			Rail: uint8(t.GetRail()),
			Addr: t.GetAddress(), RKey: t.GetRkey(), Len: t.GetLength(),
			Slot: uint16(t.GetImmediate() >> 16), Gen: uint16(t.GetImmediate()),
		}
	}
	o.Digest, err = toDigest(m.GetDigest())
	return o, err
}

func fromSegment(s transfer.Segment) *pb.Segment {
	m := &pb.Segment{Id: uint64(s.ID), Offset: uint64(s.Off), Length: uint32(s.Len)}
	if s.Compare {
		m.Digest = s.Digest[:]
	}
	return m
}

func toSegment(m *pb.Segment) (transfer.Segment, error) {
	s, err := segmentOf(m.GetId(), m.GetOffset(), uint64(m.GetLength()))
	if err == nil {
		s.Compare = len(m.GetDigest()) > 0
		s.Digest, err = toDigest(m.GetDigest())
	}
	return s, err
}

func segmentOf(id, off, n uint64) (transfer.Segment, error) {
	s := transfer.Segment{ID: int64(id), Range: tree.Range{Off: int64(off), Len: int64(n)}}
	if s.ID < 0 || n == 0 || n > MaxChunk || off > MaxSize {
		return s, fmt.Errorf("%d bytes at %d of entry %d", n, off, s.ID)
	}
	return s, nil
}

func fromSettlement(s transfer.Settlement) *pb.Settlement {
	return &pb.Settlement{Id: uint64(s.ID), Digest: fromDigest(s.Digest), Again: s.Again, Lost: s.Lost, Unwanted: s.Unwanted, Kept: each(s.Kept, func(i int) uint32 { return uint32(i) })}
}

func toSettlement(m *pb.Settlement) (s transfer.Settlement, err error) {
	s.ID, s.Again, s.Lost, s.Unwanted = int64(m.GetId()), m.GetAgain(), m.GetLost(), m.GetUnwanted()
	if s.ID <= 0 {
		return s, fmt.Errorf("offer %d", s.ID)
	}
	next := uint32(0)
	s.Kept, err = all("kept segments", m.GetKept(), MaxSegments, func(i uint32) (int, error) {
		if i < next || i >= MaxSegments {
			return 0, fmt.Errorf("segment %d", i)
		}
		next = i + 1
		return int(i), nil
	})
	if err == nil {
		s.Digest, err = toDigest(m.GetDigest())
	}
	return s, err
}

// fromDigest leaves a digest out that is zero.
func fromDigest(d transport.Digest) []byte {
	if d == (transport.Digest{}) {
		return nil
	}
	return d[:]
}

// toDigest accepts 16 bytes, or none for a digest that is zero.
func toDigest(b []byte) (transport.Digest, error) {
	if len(b) == 0 {
		return transport.Digest{}, nil
	}
	if len(b) != len(transport.Digest{}) {
		return transport.Digest{}, fmt.Errorf("a digest of %d bytes: it has %d", len(b), len(transport.Digest{}))
	}
	return transport.Digest(b), nil
}
