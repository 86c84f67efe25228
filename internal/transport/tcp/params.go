package tcp

import "time"

const (
	// defaultConns is how many connections a lender makes when it is not told. One
	// stream takes one core at each end, and several keep a lossy path busy.
	defaultConns = 4

	// maxConns bounds what an endpoint may ask for.
	maxConns = 64

	// maxMessage is what an endpoint says for the longest chunk: a frame could hold
	// more, memory is the limit.
	maxMessage = 1 << 30

	// leastPaged is the shortest extent, in bytes, that goes by sendfile: a descriptor of
	// its own and a call more cost as much as to copy some pages.
	leastPaged = 64 << 10

	// hashPiece is how much is read at once for a digest, in bytes: little enough to stay
	// in the second level cache of a core.
	hashPiece = 128 << 10

	// stallLimit is how long work may be in flight without a byte before the connection
	// counts as lost, and how long a driver waits for its connections.
	stallLimit = 8 * time.Second

	// identifyLimit is how long a connection may take to say what it is for. It is what
	// gRPC gives its own.
	identifyLimit = 5 * time.Second

	// maxStrangers is how many connections may be about to say what they are for. One
	// more, and of the address that has most of them the one that has been silent for
	// longest is closed.
	maxStrangers = 256

	// defaultConnections is how many connections that are not for data may be open, of all
	// clients, and crowdShares what part of them one address may have: a quarter, since many
	// clients may come by one.
	defaultConnections = 1024
	crowdShares        = 4

	// tellAgain is how long nothing more is logged of who was turned away.
	tellAgain = time.Minute
)
