package sendpath

import (
	"context"
	"errors"
	"time"

	"github.com/rdmacp/rdmacp/internal/cpu"
)

// Path is a way from a file to a socket.
type Path struct {
	Name string
	send func(ctx context.Context, s *sender) error // nil: by a program of its own
}

// Cost is what it took to send a file once. Only the sending side is counted: the other
// throws away what it gets, in the kernel.
type Cost struct {
	Bytes   int64
	Elapsed time.Duration
	CPU     cpu.Usage
	Copied  int64  // bytes that a CPU copied, each time that it did
	Calls   uint64 // system calls that moved payload or mapped it; 0: not known
	Note    string // what is to be known besides; one line for people
}

// ErrSkip answers where this host does not have a path.
var ErrSkip = errors.New("not on this host")

// piece is how much is moved by a call, in bytes.
const piece = 1 << 20
