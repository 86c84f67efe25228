package transfer

import (
	"errors"
	"sync"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// taken is a file that is wanted.
type taken struct {
	entry   tree.Entry
	path    string
	verdict tree.Verdict

	open    sync.Once
	landing tree.Landing
	err     error // of opening it

	// The rest belongs to the sink's lock.
	there tree.Ranges // what has landed
	left  int64       // bytes that have not
	seal  *tree.Seal

	counted bool // it is known whether one bundle brings all of it
	held    bool // it has taken of the room
	begun   bool // bundles bring it in parts
	over    bool // it is in place, or given up
}

var errGivenUp = errors.New("it was given up")

// close gives a file up. One that was never opened cannot be any more.
func (t *taken) close(forget bool) error {
	t.open.Do(func() { t.err = errGivenUp })
	if t.landing == nil {
		return nil
	}
	return t.landing.Close(forget)
}
