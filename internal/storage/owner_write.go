package storage

import (
	"os"
	"os/user"
	"slices"
	"strconv"
	"sync"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// owners knows which user and group of this host stand for those of the source's.
// The zero value is ready.
type owners struct {
	mu           sync.Mutex
	users, group map[uint32]int // from the source's number
}

// want returns the owner and group that an entry gets; -1 leaves one alone. A
// name, where one is sent, goes ahead of the number, but 0 is root everywhere.
func (o *owners) want(w *tree.Owner, opts tree.LandOptions) (uid, gid int) {
	if opts.As != nil {
		return int(opts.As.UID), int(opts.As.GID)
	}
	uid, gid = -1, -1
	if w == nil || !keepsOwners {
		return uid, gid
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if opts.Owner {
		uid = known(&o.users, w.UID, w.User, userNumber)
	}
	if opts.Group {
		gid = known(&o.group, w.GID, w.Group, groupNumber)
	}
	return uid, gid
}

// known returns what stands for a number of the source's. The source sends a name
// once for each number.
func known(m *map[uint32]int, id uint32, name string, find func(string) (string, error)) int {
	if here, ok := (*m)[id]; ok {
		return here
	}
	if name == "" || id == 0 {
		return int(id)
	}
	here := int(id)
	if text, err := find(name); err == nil {
		if n, err := strconv.Atoi(text); err == nil {
			here = n
		}
	}
	if *m == nil {
		*m = map[uint32]int{}
	}
	(*m)[id] = here
	return here
}

func userNumber(name string) (string, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return "", err
	}
	return u.Uid, nil
}

func groupNumber(name string) (string, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		return "", err
	}
	return g.Gid, nil
}

// mayChown reports whether we can give files away.
func mayChown() bool { return os.Geteuid() == 0 }

// mayChgrp reports whether we can give our files to that group.
func mayChgrp(gid int) bool {
	if mayChown() || gid == os.Getegid() {
		return true
	}
	groups, err := os.Getgroups()
	return err == nil && slices.Contains(groups, gid)
}
