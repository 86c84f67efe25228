package transfer

import (
	"context"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Link carries one end's words to the other, in order. Its methods are called
// from one goroutine each.
type Link interface {
	Send(ctx context.Context, b Batch) error

	// Recv returns the other end's next words, or the fault by which it ended
	// the transfer. To a driver it returns io.EOF when the lender says that all
	// is done; a lender hears of no such end.
	Recv(ctx context.Context) (Batch, error)
}

// Batch is all that one end has to say at a time. A receiver heeds it field by
// field, in this order.
type Batch struct {
	Entries  []tree.Entry   // source to sink: what there is
	Last     bool           // source to sink: there is no more
	Problems []tree.Problem // either way: what could not be copied and has no entry's Outcome
	Removed  []string       // sink to source: what was, or would be, deleted; paths below the destination
	Verdicts []tree.Verdict // sink to source: what is wanted
	Seals    []tree.Seal    // source to sink: files that were read to their end
	Offers   []Offer        // lender to driver
	Settled  []Settlement   // driver to lender
	Outcomes []Outcome      // sink to source: what became of the files that were wanted
	Done     bool           // sink to source: there is nothing left to do
}

// Offer lends one bundle. Without a ticket nothing is to move: only digests are
// compared.
type Offer struct {
	ID       int64 // chosen by the lender; in use until the offer is settled
	Segments []Segment
	Ticket   transport.Ticket
	Digest   transport.Digest // of a lent source, the whole bundle; zero for a lent sink
}

// Segment is a range of one file in a bundle. Segments follow one another in a
// bundle without gaps.
type Segment struct {
	ID int64 // the file's entry; 0 for bytes that mean nothing any more
	tree.Range

	// Compare says that Digest is that of the range at the lender's end. Where the
	// driver's is the same, the range need not move.
	Compare bool
	Digest  transport.Digest
}

// Settlement is what the driver says once it is done with an offer.
type Settlement struct {
	ID       int64
	Digest   transport.Digest // of the bundle, as the driver read it from the loan or wrote it into it
	Again    bool             // the digest of a pulled bundle differed: offer the same again
	Lost     bool             // the rail of the loan is gone, and its fate unknown: offer the same again
	Unwanted bool             // of a put: all that is in the bundle was given up, and nothing moved
	Kept     []int            // indexes of the segments that are the same at both ends; if that is all, nothing moved
}

// Outcome is what became of a file that was wanted.
type Outcome struct {
	ID    int64
	Fault error // nil: it is in place, durably; else a *fault.Error
}

// The most that one message holds, and a bundle.
const (
	maxBatch    = 64 << 10 // bytes, roughly, unless a single item is longer
	MaxSegments = 256      // in one bundle: each may be an open file
	MaxRanges   = 512      // in one verdict
)
