package transfer

import (
	"errors"
	"sync"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// taken is a file that is wanted.
type taken struct {
	entry   tree.Entry
	path    tree.Path
	verdict tree.Verdict

	open    sync.Once
	landing tree.Landing
	err     error // of opening it

	// The rest belongs to the sink's lock.
	there tree.Ranges // what has landed
	left  int64       // bytes that have not
	seal  *tree.Seal
	load  *load // what of it is to be asked for; nil: it comes by itself, or all is asked for

	counted bool // it is known whether one bundle brings all of it
	held    bool // it has taken of the room
	begun   bool // bundles bring it in parts
	over    bool // it is in place, or given up
}

// whole reports whether the ranges are one that is all of the file, as it is of most
// files: nothing has to be kept of which bytes are there.
func (t *taken) whole(rs ...tree.Range) bool {
	return len(rs) == 1 && rs[0].Off == 0 && rs[0].Len == t.entry.Meta.Size
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
