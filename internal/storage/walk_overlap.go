package storage

import (
	"errors"
	"strings"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// names are what has come in a directory that more than one start leads to. A nil
// entry is no directory.
type names map[string]names

// overlap reports whether two starts may lead to one name, so that the names that
// have come must be remembered.
func overlap(starts []Start) bool {
	leaves := map[string]bool{}
	for _, s := range starts {
		p, contents, err := startPath(s)
		if err != nil {
			continue // it leads nowhere
		}
		leaf := p[strings.LastIndexByte(p, '/')+1:]
		if len(starts) > 1 && contents || leaves[leaf] {
			return true
		}
		leaves[leaf] = true
	}
	return false
}

// free reports whether a name has not come from another start yet, and returns what
// has come below it. As with rsync, directories of one name become one, and of files
// the first is the one: the others are left out, and stay at the source. A file that
// the user has named is not left out without a word, and neither is what differs in
// kind: with it, whole trees would be missing.
func (r *walk) free(in *level, leaf string, dir bool) (names, bool) {
	if in == nil {
		return r.tops, true
	}
	if in.names == nil {
		return nil, true // nobody else comes here
	}
	have, taken := in.names[leaf]
	switch {
	case !taken:
		if dir {
			have = names{}
		}
		in.names[leaf] = have
		return have, true
	case dir && have != nil:
		return have, true
	case dir || have != nil || in.id < 0:
		r.fail(in.join(leaf), fault.New(fault.Usage, "reading "+r.table.shown(in.id, leaf),
			errors.New("another source has "+shown(in.join(leaf))+" too, and both would get one name"),
			"copy them one after the other, to different places"))
	}
	return nil, false
}
