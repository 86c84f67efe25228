package wire

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/rdmacp/rdmacp/internal/transport"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// FromEndpoint returns e as a message.
func FromEndpoint(e transport.Endpoint) *pb.Endpoint {
	if e.Kind == transport.TCP {
		m := &pb.Endpoint{
			Transport: pb.Transport_TRANSPORT_TCP, Device: e.Device, MaxMessage: e.MaxMessage, Connections: uint32(e.Conns),
		}
		if e.Token != (transport.Token{}) {
			m.Token = e.Token[:]
		}
		return m
	}
	gid := e.GID.As16()
	m := &pb.Endpoint{
		Transport:  pb.Transport_TRANSPORT_RDMA,
		Device:     e.Device,
		Gid:        gid[:],
		Lid:        uint32(e.LID),
		LinkLayer:  pb.LinkLayer(e.LinkLayer),
		Mtu:        uint32(e.MTU),
		MaxMessage: e.MaxMessage,
		MaxRead:    uint32(e.MaxRead),
	}
	if e.GIDIndex >= 0 {
		index := uint32(e.GIDIndex)
		m.GidIndex = &index
	}
	for _, qp := range e.QPs {
		m.QueuePairs = append(m.QueuePairs, &pb.QueuePair{Number: qp.Number, Psn: qp.PSN})
	}
	for _, rail := range e.More {
		more := &pb.Endpoint{} // it is not used
		if len(rail.QPs) > 0 {
			more = FromEndpoint(rail)
		}
		m.More = append(m.More, more)
	}
	return m
}

// ToEndpoint returns the endpoint that m holds.
func ToEndpoint(m *pb.Endpoint) (e transport.Endpoint, err error) {
	if m == nil {
		return e, errors.New("no endpoint")
	}
	switch m.GetTransport() {
	case pb.Transport_TRANSPORT_UNSPECIFIED, pb.Transport_TRANSPORT_RDMA:
	case pb.Transport_TRANSPORT_TCP:
		return toTCP(m)
	default:
		return e, fmt.Errorf("transport %v", m.GetTransport())
	}
	if len(m.GetGid()) != 16 {
		return e, fmt.Errorf("a GID of %d bytes: it has 16", len(m.GetGid()))
	}
	e = transport.Endpoint{
		Kind:       transport.RDMA,
		Device:     Printable(m.GetDevice(), MaxName),
		GID:        netip.AddrFrom16([16]byte(m.GetGid())),
		GIDIndex:   -1,
		LinkLayer:  transport.LinkLayer(m.GetLinkLayer()),
		MaxMessage: m.GetMaxMessage(),
	}
	if e.LinkLayer != transport.InfiniBand && e.LinkLayer != transport.Ethernet {
		return e, fmt.Errorf("link layer %v", m.GetLinkLayer())
	}
	lid, err := inRange("LID", uint64(m.GetLid()), 0, 1<<16-1)
	if err != nil {
		return e, err
	}
	e.LID = uint16(lid)
	if e.MTU, err = toMTU(m.GetMtu()); err != nil {
		return e, err
	}
	if _, err = inRange("longest message", uint64(e.MaxMessage), MinChunk, 1<<32-1); err != nil {
		return e, err
	}
	if e.MaxRead, err = inRange("READs per queue pair", uint64(m.GetMaxRead()), 1, 1<<16-1); err != nil {
		return e, err
	}
	if m.GidIndex != nil {
		if e.GIDIndex, err = inRange("place of the GID", uint64(m.GetGidIndex()), 0, 1<<16-1); err != nil {
			return e, err
		}
	}
	if e.QPs, err = toQPs(m.GetQueuePairs()); err != nil {
		return e, err
	}
	e.More, err = all("rails", m.GetMore(), MaxRails-1, toRail)
	return e, err
}

// toRail returns a further rail. It has none of its own.
func toRail(m *pb.Endpoint) (transport.Endpoint, error) {
	switch {
	case len(m.GetQueuePairs()) == 0:
		return transport.Endpoint{}, nil
	case len(m.GetMore()) > 0:
		return transport.Endpoint{}, errors.New("a rail with further rails")
	}
	return ToEndpoint(m)
}

// toTCP returns the endpoint of TCP connections that m holds.
func toTCP(m *pb.Endpoint) (e transport.Endpoint, err error) {
	e = transport.Endpoint{Kind: transport.TCP, Device: Printable(m.GetDevice(), MaxName), MaxMessage: m.GetMaxMessage()}
	switch len(m.GetToken()) {
	case 0: // the client's
	case len(e.Token):
		e.Token = transport.Token(m.GetToken())
	default:
		return e, fmt.Errorf("a token of %d bytes: it has %d", len(m.GetToken()), len(e.Token))
	}
	if _, err = inRange("longest message", uint64(e.MaxMessage), MinChunk, 1<<32-1); err != nil {
		return e, err
	}
	e.Conns, err = inRange("connections", uint64(m.GetConnections()), 1, MaxQPs)
	return e, err
}

// toMTU accepts the five path MTUs of InfiniBand.
func toMTU(n uint32) (int, error) {
	switch n {
	case 256, 512, 1024, 2048, 4096:
		return int(n), nil
	default:
		return 0, fmt.Errorf("a path MTU of %d bytes: it is 256, 512, 1024, 2048 or 4096", n)
	}
}

// toQPs checks number and range of the queue pairs.
func toQPs(ms []*pb.QueuePair) ([]transport.QP, error) {
	if _, err := inRange("queue pairs", uint64(len(ms)), 1, MaxQPs); err != nil {
		return nil, err
	}
	qps := make([]transport.QP, 0, len(ms))
	for _, m := range ms {
		if m.GetNumber() < minQPN || m.GetNumber() > maxQPN || m.GetPsn() > maxQPN {
			return nil, fmt.Errorf("queue pair %d with PSN %d: both have 24 bits, and the first two numbers are reserved", m.GetNumber(), m.GetPsn())
		}
		qps = append(qps, transport.QP{Number: m.GetNumber(), PSN: m.GetPsn()})
	}
	return qps, nil
}

// inRange refuses an n that is not within lo and hi.
func inRange(what string, n, lo, hi uint64) (int, error) {
	if n < lo || n > hi {
		return 0, fmt.Errorf("%s: %d, which is not within %d and %d", what, n, lo, hi)
	}
	return int(n), nil
}
