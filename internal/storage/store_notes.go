package storage

import (
	"fmt"
	"sync"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// maxNotes bounds how many are kept; the others are counted.
const maxNotes = 1000

// notes are what could not be kept of entries whose bytes are there nevertheless, and
// links that could not be made ahead of Finish. They are told at the end.
type notes struct {
	mu   sync.Mutex
	list []tree.Problem
	more int
}

// note remembers that something of a file did not come out right. A nil err is
// nothing.
func (s *Store) note(on subject, verb string, err error) {
	if err == nil {
		return
	}
	s.notes.add(tree.Problem{Path: on.in.below(s.base, on.as), Fault: wrap(verb+on.in.shown(on.as), err)})
}

func (n *notes) add(p tree.Problem) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.list) < maxNotes {
		n.list = append(n.list, p)
		return
	}
	n.more++
}

// any reports whether there are notes.
func (n *notes) any() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.list) > 0
}

// tell passes the notes on and forgets them.
func (n *notes) tell(problem func(tree.Problem)) {
	n.mu.Lock()
	list, more := n.list, n.more
	n.list, n.more = nil, 0
	n.mu.Unlock()
	for _, p := range list {
		problem(p)
	}
	if more > 0 {
		problem(tree.Problem{Path: ".", Fault: fault.New(fault.IO, "setting owners and attributes, and making links",
			fmt.Errorf("%d more names have the same trouble", more), "see the problems above")})
	}
}
