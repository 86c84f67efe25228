// Package transport is the data path as the transfer engine sees it.
//
// The engine speaks of extents of files, never of memory. One end of a
// connection lends extents and the other end drives: it pulls what a lent
// source holds into a file of its own, or pushes an extent of its own into a
// lent sink. The daemon always drives and the client always lends, so no memory
// of the daemon's can be reached from the network.
//
// How a byte travels between disk and wire is the business of an
// implementation: package rdma (verbs), package tcp (sendfile) and package memory
// (in process, with seeded faults, for tests and simulation). transporttest.Suite
// holds them to the contract that is written here.
package transport

import (
	"context"
	"io"
)

// Extent is a range of a file, in bytes. A connection moves extents of at most
// its chunk size, and never empty ones. A source that holds less than the extent
// is an ErrSource of io.ErrUnexpectedEOF; io.EOF beside all of the bytes is none.
type Extent struct {
	Off int64
	Len int
}

// End is the offset of the first byte behind the extent.
func (e Extent) End() int64 { return e.Off + int64(e.Len) }

// Lender is the passive end of a connection. Its methods may be called from any
// goroutine.
type Lender interface {
	// LendSource reads ext of src and lends it to the peer, who pulls it. It
	// waits until one of the connection's slots is free.
	LendSource(ctx context.Context, src io.ReaderAt, ext Extent) (Loan, error)

	// LendSink lends the peer room for ext, which the peer pushes into; Settle
	// then writes it to dst. It waits until one of the slots is free.
	LendSink(ctx context.Context, dst io.WriterAt, ext Extent) (Loan, error)

	// Stats returns what the connection did so far, after Close too.
	Stats() Stats

	// Close ends the connection and takes back whatever is lent: when it
	// returns, nothing of this end's memory can be reached by the peer any
	// more. It may be called again, and while other methods run, which then
	// fail with ErrClosed.
	Close() error
}

// Loan is an extent lent to the peer.
type Loan interface {
	// Ticket names the loan on the wire.
	Ticket() Ticket

	// Settle waits until the extent's bytes are where they belong, and returns
	// their digest. The bytes of a lent source were read when it was lent, so
	// Settle returns at once; for a lent sink it waits for the peer's push and
	// writes the bytes to the sink. A Settle that was cancelled may be called
	// again. The bytes count in Stats once they are settled.
	Settle(ctx context.Context) (Digest, error)

	// Return gives the loan's slot back for reuse. The caller calls it only
	// when the peer has said that it is done with the loan, or has never heard
	// of it; a loan whose fate is not known is left to Close. Again, or after
	// Close, it does nothing.
	Return()

	// Lost says that the peer cannot reach the loan any more. It ends the rail that the
	// loan is on, and with the last rail the connection. When it returns, nothing can
	// reach the loan.
	Lost()
}

// Driver is the active end of a connection. Its methods may be called from any
// goroutine. A ticket that is not good for the extent (another length, the other
// direction, memory that was not lent) breaks the connection: ErrLost. When a
// call is cancelled the connection lives on, and the slot is free again once the
// wire is done with it.
type Driver interface {
	// Pull copies the lent source that t names into ext of dst, and returns the
	// digest of the bytes that arrived.
	Pull(ctx context.Context, t Ticket, dst io.WriterAt, ext Extent) (Digest, error)

	// Push copies ext of src into the lent sink that t names, and returns the
	// digest of the bytes that were sent. The peer's Settle learns of it through
	// the data path, behind the bytes.
	Push(ctx context.Context, src io.ReaderAt, ext Extent, t Ticket) (Digest, error)

	// Stats returns what the connection did so far.
	Stats() Stats

	// Close ends the connection once nothing of it is in flight any more. It
	// may be called again, and while other methods run, which then fail with
	// ErrClosed.
	Close() error
}
