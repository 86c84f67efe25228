package transport

import "errors"

// Errors that every implementation answers with, wrapped with its own detail.
var (
	// ErrClosed answers calls on a connection that was closed by this end.
	ErrClosed = errors.New("transport: connection closed")

	// ErrLost answers calls on a connection that broke: the peer is gone, the
	// wire is cut, or the peer broke the rules. What was in flight is unknown.
	ErrLost = errors.New("transport: connection lost")

	// ErrRail answers where one rail of several is gone, and with it the loan: the
	// connection lives on, and the extent is to be lent again.
	ErrRail = errors.New("transport: rail lost")

	// ErrSource wraps a source that could not be read; the connection lives on.
	ErrSource = errors.New("transport: reading the source failed")

	// ErrSink wraps a sink that could not be written; the connection lives on.
	ErrSink = errors.New("transport: writing the sink failed")
)
