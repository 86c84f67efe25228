package storage

import (
	"os/user"
	"strconv"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// ownerNames are the names of those who own what was found. Each is sent once.
type ownerNames struct {
	send, users, groups bool // whether owners are sent at all, and whose names
	sentUser, sentGroup map[uint32]bool
}

func newOwnerNames(o tree.WalkOptions) *ownerNames {
	return &ownerNames{
		send: (o.Owner || o.Group) && keepsOwners, users: o.Owner && o.Names, groups: o.Group && o.Names,
		sentUser: map[uint32]bool{}, sentGroup: map[uint32]bool{},
	}
}

// of returns the owner to be sent with the next entry; nil if none is.
func (n *ownerNames) of(uid, gid uint32) *tree.Owner {
	if !n.send {
		return nil
	}
	o := &tree.Owner{UID: uid, GID: gid}
	if n.users && !n.sentUser[uid] {
		n.sentUser[uid] = true
		if u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10)); err == nil {
			o.User = u.Username
		}
	}
	if n.groups && !n.sentGroup[gid] {
		n.sentGroup[gid] = true
		if g, err := user.LookupGroupId(strconv.FormatUint(uint64(gid), 10)); err == nil {
			o.Group = g.Name
		}
	}
	return o
}
