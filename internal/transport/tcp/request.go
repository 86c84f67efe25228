package tcp

import (
	"sync/atomic"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// request is a frame of the driver's that waits for its answer. The connection and the
// caller race for its end: whoever comes second gives back what it holds, if the caller
// gave up.
type request struct {
	op      op
	ticket  transport.Ticket
	payload payload // of a push
	into    []byte  // where the answer to a pull goes

	short   bool          // a push whose file had become shorter; good once it is written
	written chan struct{} // closed when the request has been written, all of it
	done    chan struct{} // closed when the answer has come
	state   atomic.Int32
}

// newRequest makes a request of a frame: of a push what it carries, of a pull where the
// answer goes.
func newRequest(o op, t transport.Ticket, p payload, into []byte) *request {
	return &request{op: o, ticket: t, payload: p, into: into, written: make(chan struct{}), done: make(chan struct{})}
}

// The states of a request.
const (
	waited    = iota // the caller waits
	abandoned        // the caller gave up, the work goes on
	finished
)

// finish ends a request, and reports whether its caller still waits.
func (r *request) finish() bool {
	if r.state.Swap(finished) == abandoned {
		return false
	}
	close(r.done)
	return true
}

// abandon leaves the request to the connection. It reports whether it was in flight.
func (r *request) abandon() bool { return r.state.CompareAndSwap(waited, abandoned) }
