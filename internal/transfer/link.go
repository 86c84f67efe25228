package transfer

import (
	"context"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// Offer is what the lender tells the driver about a chunk it lends.
type Offer struct {
	Chunk  int64
	Ticket transport.Ticket
	Digest transport.Digest // of a lent source; zero for a lent sink
}

// Settlement is what the driver tells the lender once it is done with an offer.
type Settlement struct {
	Chunk  int64
	Digest transport.Digest // of the bytes that the driver wrote or sent
	Again  bool             // the digest of a pulled source differed: offer the chunk again
}

// LenderLink carries the lender's words to the driver and the driver's back. Its
// methods are called from one goroutine each.
type LenderLink interface {
	// Offer tells the driver of a loan.
	Offer(ctx context.Context, o Offer) error

	// Settlement returns the driver's next word, or the fault by which it ended
	// the transfer.
	Settlement(ctx context.Context) (Settlement, error)
}

// DriverLink carries the driver's words to the lender and the lender's back.
type DriverLink interface {
	// Offer returns the lender's next offer; io.EOF when the lender says that
	// all is settled, or the fault by which it gave up.
	Offer(ctx context.Context) (Offer, error)

	// Settle tells the lender that an offer is settled. It is called from
	// several goroutines.
	Settle(ctx context.Context, s Settlement) error
}
