package transport

import (
	"context"
	"net"
	"net/netip"
)

// Fabric makes connections. Packages rdma and tcp have the real ones; package
// memory one for tests.
type Fabric interface {
	// PrepareLender makes the passive end of a connection, not connected yet.
	PrepareLender(ctx context.Context, s Setup) (Pending[Lender], error)

	// PrepareDriver makes the active end of a connection, not connected yet.
	PrepareDriver(ctx context.Context, s Setup) (Pending[Driver], error)
}

// Setup says what a connection is to be made for.
type Setup struct {
	Kind      Kind       // of connection; a fabric that makes one kind only does not look at it
	Device    string     // device, or device/port, to use; empty: the one that reaches Peer
	Local     netip.Addr // this end's address of the control connection
	Peer      netip.Addr // the peer's address of the control connection
	Direction Direction  // decides what the lender's memory allows the peer
	ChunkSize int        // bytes; the longest extent that will be moved
	Slots     int        // extents in flight at once; each costs ChunkSize of pinned memory
	QPs       int        // queue pairs, or TCP connections; 0: the fabric's choice (a driver makes as many as the lender's endpoint has)

	// Dial opens one more connection to where the control connection leads. A lender by
	// TCP needs it: only the driver's host has to be reachable.
	Dial func(ctx context.Context) (net.Conn, error)

	// Unverified says that no digests are computed: those that are returned are
	// zero. It has to be the same at both ends.
	Unverified bool

	// TLS says that what Dial opens, and the driver is dialled by, is under TLS.
	TLS bool

	// ZeroCopy makes a fault of code Copied of what would have to be copied by a CPU.
	ZeroCopy bool
}

// Sum returns the digest of what was moved; zero where none is wanted.
func (s Setup) Sum(b []byte) Digest {
	if s.Unverified {
		return Digest{}
	}
	return Sum(b)
}

// Direction is the way that the payload flows.
type Direction int

// The directions, as the client sees them.
const (
	Put Direction = 1 // the lender lends sources, the driver pulls
	Get Direction = 2 // the lender lends sinks, the driver pushes
)

// String returns "put" or "get".
func (d Direction) String() string {
	if d == Get {
		return "get"
	}
	return "put"
}

// Pending is an end of a connection that waits for the other's endpoint.
type Pending[T any] interface {
	// Endpoint is what the peer has to know.
	Endpoint() Endpoint

	// Connect connects to the peer and returns this end, which then owns all
	// that the pending one did. It consumes the pending end: after an error
	// there is nothing left to close.
	Connect(ctx context.Context, peer Endpoint) (T, error)

	// Close gives up a pending end that is not to be connected. After Connect
	// it does nothing.
	Close() error
}

// Endpoint is one end of a connection as the peer has to know it. The fields
// are those of rdmacp.v1.Endpoint. Which of them mean something depends on Kind.
type Endpoint struct {
	Kind   Kind
	Device string // for people: name and port, or the address of a TCP connection

	Token Token // TCP, of a driver: what the connections that are for it begin with
	Conns int   // TCP: how many connections

	GID        netip.Addr
	GIDIndex   int // for people: its place in this end's own table; -1: not known
	LID        uint16
	LinkLayer  LinkLayer
	MTU        int    // active path MTU, bytes
	MaxMessage uint32 // bytes
	MaxRead    int    // READs accepted at once per queue pair
	QPs        []QP

	// More are the endpoints of further rails, each to be connected to the one at the
	// same place at the other end. One without queue pairs is not there.
	More []Endpoint
}

// Rails is how many rails the endpoint has.
func (e Endpoint) Rails() int {
	n := 1
	for _, more := range e.More {
		if len(more.QPs) > 0 {
			n++
		}
	}
	return n
}

// Width is how many queue pairs or connections the endpoint has.
func (e Endpoint) Width() int { return max(len(e.QPs), e.Conns) }

// QP is one end of a queue pair.
type QP struct {
	Number uint32 // QPN, 24 bits
	PSN    uint32 // first PSN that this end sends, 24 bits
}

// LinkLayer is the kind of network below an RDMA device.
type LinkLayer int

// The link layers, numbered as in rdmacp.v1.LinkLayer.
const (
	InfiniBand LinkLayer = 1
	Ethernet   LinkLayer = 2
)
