package storage

import "github.com/rdmacp/rdmacp/internal/tree"

// meta is what is kept of something that was found; a file's size is not in it.
func (r *walk) meta(f *found) tree.Meta {
	m := tree.Meta{
		Mode: f.permissions(), ModTime: f.modified, Device: f.device, Inode: f.inode,
		Owner: r.owners.of(f.uid, f.gid), Xattrs: f.xattrs,
	}
	if !f.changed.IsZero() && f.mode.IsRegular() {
		m.Changed = f.changed.UnixNano()
	}
	if k := kindOf(f.mode); k == tree.CharDevice || k == tree.BlockDevice {
		m.Major, m.Minor = f.major, f.minor
	}
	return m
}

// allocated is what a file takes on disk. Zero blocks may also mean that the file
// system does not count or has not got round to it, so a file that is one big hole
// is said to take one block.
func (f *found) allocated() int64 {
	if f.blocks == 0 && f.data != nil && len(f.data) == 0 {
		return statBlock
	}
	return f.blocks * statBlock
}

// linkTable has the files with more than one name, by what they are, until all
// their names have come. A number may be given to another file once all names of the
// first are gone, so the bytes have to be the same, too, as far as can be told.
type linkTable map[linkKey]*linkedFile

type linkKey struct {
	fileKey
	size, modified int64
}

type linkedFile struct {
	first int64  // number of the entry that came first
	left  uint64 // how many names have not come yet
}

// first returns the number of the entry that another name of the file came with.
// If there is none, it is zero, and id becomes the first.
func (t linkTable) first(st *status, id int64) int64 {
	if st.links < 2 {
		return 0
	}
	key := linkKey{st.key(), st.size, st.modified.UnixNano()}
	l, ok := t[key]
	if !ok {
		t[key] = &linkedFile{first: id, left: st.links - 1}
		return 0
	}
	if l.left--; l.left == 0 {
		delete(t, key)
	}
	return l.first
}
