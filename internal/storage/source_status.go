package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// status is what the file system tells of a file. What it does not tell on this
// system is zero.
type status struct {
	mode          fs.FileMode
	size          int64
	blocks        int64 // of statBlock bytes each
	modified      time.Time
	changed       time.Time // when anything but the time of the last access changed
	device, inode uint64
	links         uint64
	uid, gid      uint32
	major, minor  uint32
}

// statusOf is the status that os has found out.
func statusOf(info fs.FileInfo) status {
	st := status{mode: info.Mode(), size: info.Size(), modified: info.ModTime()}
	addStatus(&st, info.Sys())
	return st
}

// same reports whether both are the same file, as far as is known.
func (st *status) same(other *status) bool {
	return st.device == other.device && st.inode == other.inode
}

// fileKey is which file of this host something is, whatever its name.
type fileKey struct{ device, inode uint64 }

func (st *status) key() fileKey { return fileKey{st.device, st.inode} }

// permissions is the mode as an entry has it.
func (st *status) permissions() fs.FileMode {
	return st.mode & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
}

const layout = "2006-01-02 15:04:05.999999999"

// differs says what tells a file's status now from that when it was first seen;
// nil if its bytes are the same, as far as can be told.
func (st *status) differs(first *status) error {
	switch {
	case !st.same(first) || st.mode.Type() != first.mode.Type():
		return errors.New("it is another file now")
	case st.size != first.size:
		return fmt.Errorf("its size went from %d to %d bytes", first.size, st.size)
	case !st.modified.Equal(first.modified):
		return fmt.Errorf("it was modified at %s", st.modified.Format(layout))
	case !st.changed.Equal(first.changed) && st.sameAccess(first):
		// Something touched the inode, and it was none of what we could see.
		return fmt.Errorf("it was renamed, or rewritten with its old time, at %s", st.changed.Format(layout))
	}
	return nil
}

// sameAccess reports whether nobody has changed whose the file is, who may do
// what with it, and how many names it has: that changes no bytes, but the time of
// the last change of the status.
func (st *status) sameAccess(other *status) bool {
	return st.mode == other.mode && st.uid == other.uid && st.gid == other.gid && st.links == other.links
}

// is says what tells the file from the one that an entry was made of; nil if they
// are the same.
func (st *status) is(m *tree.Meta, kind tree.Kind) error {
	switch {
	case st.device != m.Device || st.inode != m.Inode:
		return errors.New("it is another file now")
	case kind != tree.Symlink && st.size != m.Size:
		return fmt.Errorf("its size went from %d to %d bytes", m.Size, st.size)
	case !st.modified.Equal(m.ModTime):
		return fmt.Errorf("it was modified at %s", st.modified.Format(layout))
	}
	return nil
}

// tick is longer than the step of the clock that file times are taken from. The
// kernel stamps changes by a clock that stands still for up to 10 ms: a file that
// was changed in this tick can be changed again in it and show the same times.
const tick = 20 * time.Millisecond

// settled returns from when on every further change of a file shows that was just
// looked at, and was last changed at that time. It is zero if that is so already.
func settled(changed time.Time) time.Time {
	if changed.IsZero() {
		return time.Time{} // not known on this system
	}
	now := time.Now()
	age := now.Sub(changed)
	if age >= tick {
		return time.Time{}
	}
	return now.Add(min(tick-age, tick)) // the clock of a file server may be ahead of ours
}

// changedFault is a fault about a file that is not what it was.
func changedFault(what string, why error) error {
	return fault.New(fault.SourceChanged, what, why, "let whatever writes the file finish, then copy it again")
}
