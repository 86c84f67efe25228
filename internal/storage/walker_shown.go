package storage

import (
	"errors"
	"os"
	"strings"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// shown is the whole path of a name in a directory, for messages.
func (t *dirTable) shown(id int64, name string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	whole := name
	for len(whole) <= maxName {
		s := t.spots[id]
		whole = below(s.name, whole)
		if s.parent == 0 {
			if s.dir != nil {
				whole = below(s.dir.path, whole)
			}
			break
		}
		id = s.parent
	}
	if len(whole) <= maxName {
		return shown(whole)
	}
	return "..." + shown(whole[len(whole)-maxName:])
}

// below joins two parts of a path as people write it.
func below(dir, name string) string {
	switch {
	case dir == "" || dir == "." && name != "":
		return name
	case name == "" || strings.HasSuffix(dir, "/"):
		return dir + name
	}
	return dir + "/" + name
}

// vanished turns what hold and a walkDir say of a file that was there before into
// a fault.
func vanished(what string, err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fault.New(fault.Vanished, what, errors.New("it was removed"), "nothing, if it was meant to go; else copy again")
	case errors.Is(err, errReplaced):
		return changedFault(what, err)
	case noFile(err):
		return changedFault(what, errors.New("something else has come to stand there"))
	case errors.Is(err, os.ErrClosed):
		return fault.New(fault.Internal, what, err, "")
	}
	return wrapRooted(what, err)
}
