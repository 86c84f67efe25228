package wire

import (
	"fmt"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// Hello is what a client opens a session with.
type Hello struct {
	Version   string
	Endpoint  transport.Endpoint
	Direction transport.Direction
	ChunkSize int
	Slots     int

	// Unverified says that no digests of bundles are computed.
	Unverified bool

	// ZeroCopy says that the session fails where a CPU would have to copy payload.
	ZeroCopy bool

	// Encrypt says that what is moved has to be encrypted on the way.
	Encrypt bool

	// Fallback says why the endpoint is not one of RDMA; empty where it is, or was not
	// wanted. It is for the daemon's log, and its code for counting.
	Fallback     string
	FallbackCode fault.Code
}

// Welcome is what a daemon answers.
type Welcome struct {
	Version   string
	Endpoint  transport.Endpoint
	ChunkSize int
	Session   string
	Encrypted bool // what is moved will be
}

// FromHello returns h as a message.
func FromHello(h Hello) *pb.Hello {
	return &pb.Hello{
		Protocol:   Protocol,
		Version:    h.Version,
		Endpoint:   FromEndpoint(h.Endpoint),
		Direction:  pb.Direction(h.Direction),
		ChunkSize:  uint32(h.ChunkSize),
		Slots:      uint32(h.Slots),
		Unverified: h.Unverified,
		ZeroCopy:   h.ZeroCopy,
		Encrypt:    h.Encrypt,
		Fallback:   Printable(h.Fallback, MaxText),

		FallbackCode: pb.FaultCode(h.FallbackCode), //nolint:gosec // there are few
	}
}

// ToHello returns what m holds. A wrong protocol version is told apart from a
// broken message; local is this end's version, for that message.
func ToHello(m *pb.Hello, local string) (h Hello, err error) {
	h.Version = Printable(m.GetVersion(), maxVersion)
	if m.GetProtocol() != Protocol {
		return h, skew(m.GetProtocol(), "rdmacp", h.Version, "rdmad", local)
	}
	if h.Endpoint, err = ToEndpoint(m.GetEndpoint()); err != nil {
		return h, invalid("Hello", err)
	}
	h.Unverified, h.ZeroCopy, h.Encrypt = m.GetUnverified(), m.GetZeroCopy(), m.GetEncrypt()
	h.Fallback, h.FallbackCode = Printable(m.GetFallback(), MaxText), fault.Code(m.GetFallbackCode())
	h.Direction = transport.Direction(m.GetDirection())
	if h.Direction != transport.Put && h.Direction != transport.Get {
		return h, invalid("Hello", fmt.Errorf("direction %v", m.GetDirection()))
	}
	if h.ChunkSize, err = inRange("chunk size", uint64(m.GetChunkSize()), MinChunk, MaxChunk); err != nil {
		return h, invalid("Hello", err)
	}
	if h.Slots, err = inRange("slots", uint64(m.GetSlots()), 1, MaxSlots); err != nil {
		return h, invalid("Hello", err)
	}
	return h, nil
}

// FromWelcome returns w as a message.
func FromWelcome(w Welcome) *pb.Welcome {
	return &pb.Welcome{
		Protocol:  Protocol,
		Version:   w.Version,
		Endpoint:  FromEndpoint(w.Endpoint),
		ChunkSize: uint32(w.ChunkSize),
		Session:   w.Session,
		Encrypted: w.Encrypted,
	}
}

// ToWelcome returns what m holds; chunk is the chunk size that Hello asked for,
// and local this end's version.
func ToWelcome(m *pb.Welcome, chunk int, local string) (w Welcome, err error) {
	w.Version = Printable(m.GetVersion(), maxVersion)
	w.Session = Printable(m.GetSession(), maxVersion)
	w.Encrypted = m.GetEncrypted()
	if m.GetProtocol() != Protocol {
		return w, skew(m.GetProtocol(), "rdmad", w.Version, "rdmacp", local)
	}
	if w.Endpoint, err = ToEndpoint(m.GetEndpoint()); err != nil {
		return w, invalid("Welcome", err)
	}
	if w.ChunkSize, err = inRange("chunk size", uint64(m.GetChunkSize()), MinChunk, uint64(chunk)); err != nil {
		return w, invalid("Welcome", err)
	}
	return w, nil
}

// skew is the fault of two ends that speak different protocols.
func skew(theirs uint32, peer, peerVersion, self, selfVersion string) error {
	return fault.New(fault.Version, "agreeing on a protocol",
		fmt.Errorf("%s %s speaks version %d of the protocol, %s %s version %d", peer, peerVersion, theirs, self, selfVersion, Protocol),
		"install the same release of rdmacp on both hosts")
}

// invalid is the fault of a peer that broke the protocol.
func invalid(message string, err error) error {
	return fault.New(fault.Protocol, "reading the peer's "+message, err,
		"this is a bug of the peer's, or it is not rdmacp; its version and log may tell")
}
