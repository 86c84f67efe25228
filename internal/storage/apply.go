package storage

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// modeBits are those bits of a mode that an entry has.
const modeBits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// subject is something whose mode, owner, attributes and times are set.
type subject struct {
	file *os.File // open; where bare is set, for nothing but that
	raw  *rawFile // the same, where there is no file
	bare bool
	root *os.Root // where it lies, for systems that need its name
	leaf string
	in   *folder      // the same, for reports
	as   string       // the name that it is to get, for reports
	was  *fs.FileMode // the mode that it has, if that is known
	born *status      // whose it is, if that is known
}

// kept are the bits of an entry's mode that are kept where modes are: those of setuid and
// setgid are not for files that somebody gets who is not their owner at the source.
func (s *Store) kept(m tree.Meta) fs.FileMode {
	if s.opts.As != nil {
		return m.Mode & (fs.ModePerm | fs.ModeSticky)
	}
	return m.Mode & modeBits
}

// wantMode returns the mode that an entry gets at the destination. Old is what it
// replaces; nil if that is nothing.
func (s *Store) wantMode(m tree.Meta, old fs.FileInfo) fs.FileMode {
	switch {
	case s.opts.Perms:
		return s.kept(m)
	case old != nil:
		// As writing to it would do, this takes setuid and setgid away.
		return old.Mode().Perm()
	}
	return m.Mode.Perm() &^ umask()
}

// apply sets all that is kept of an entry but its bytes: who owns it first, since
// that takes setuid away, and the time last. What cannot be set of the attributes
// is noted and keeps nothing from being copied.
func (s *Store) apply(on *subject, m *tree.Meta, mode fs.FileMode) error {
	chowned, right := s.applyOwner(on, m.Owner)
	if !right {
		mode &^= fs.ModeSetuid | fs.ModeSetgid
	}
	if s.opts.Xattrs || s.opts.ACLs {
		err := s.seam.do(stepXattrs, func() error { return s.applyXattrs(on, m.Xattrs) })
		s.note(*on, "setting the attributes of ", err)
	}
	// To give a file away takes setuid and setgid from it, and no more.
	special := chowned && mode&(fs.ModeSetuid|fs.ModeSetgid) != 0
	if special || on.was == nil || *on.was != mode {
		if err := s.seam.do(stepChmod, func() error { return chmod(on, mode) }); err != nil {
			return wrap("setting the permissions of "+on.shown(), err)
		}
	}
	if !s.opts.Times || m.ModTime.IsZero() {
		return nil
	}
	if err := s.seam.do(stepTimes, func() error { return setTime(on, m.ModTime) }); err != nil {
		return wrap("setting the time of "+on.shown(), err)
	}
	return nil
}

// shown is the whole path that the thing is to get, for messages.
func (on *subject) shown() string { return on.in.shown(on.as) }

// applyOwner reports whether it has set the owner, and whether that is the one
// that was asked for.
func (s *Store) applyOwner(on *subject, w *tree.Owner) (tried, right bool) {
	uid, gid := s.owners.want(w, s.opts)
	if uid < 0 && gid < 0 {
		return false, !s.opts.Owner && !s.opts.Group
	}
	if b := on.born; b != nil && (uid < 0 || uint32(uid) == b.uid) && (gid < 0 || uint32(gid) == b.gid) {
		return false, true
	}
	err := s.seam.do(stepOwner, func() error { return chown(on, uid, gid) })
	if err != nil && uid >= 0 && gid >= 0 {
		// A user may give a file to a group of theirs, but to nobody else.
		_ = s.seam.do(stepOwner, func() error { return chown(on, -1, gid) })
	}
	if err != nil && (s.opts.As != nil || !errors.Is(err, fs.ErrPermission)) {
		s.note(*on, "setting the owner of ", err)
	}
	return true, err == nil
}

// sameTime reports whether two times are one to the file system.
func sameTime(a, b time.Time) bool { return a.Truncate(timeStep).Equal(b.Truncate(timeStep)) }

// differs returns what of m differs at what stands there.
func (s *Store) differs(p *place, m tree.Meta, old fs.FileInfo) tree.Change {
	var c tree.Change
	if s.opts.Times && !m.ModTime.IsZero() && !sameTime(old.ModTime(), m.ModTime) {
		c |= tree.Time
	}
	if s.opts.Perms && (old.Mode()^s.kept(m))&shownBits != 0 {
		c |= tree.Mode
	}
	uid, gid := s.owners.want(m.Owner, s.opts)
	st := statusOf(old)
	if uid >= 0 && uint32(uid) != st.uid && mayChown() {
		c |= tree.Owners
	}
	if gid >= 0 && uint32(gid) != st.gid && mayChgrp(gid) {
		c |= tree.Groups
	}
	if (s.opts.Xattrs || s.opts.ACLs) && old.Mode()&fs.ModeSymlink == 0 {
		c |= s.attrsDiffer(p, m.Xattrs)
	}
	return c
}

// fix sets what differs of a thing that is there already and stays.
func (s *Store) fix(p *place, m tree.Meta, old fs.FileInfo, c tree.Change) error {
	path := p.shown()
	f, err := openBare(p.self, p.leaf)
	if err != nil {
		return wrap("opening "+path, err)
	}
	if f != nil {
		defer func() { _ = f.Close() }() // nothing was written to it
		info, err := f.Stat()
		if err != nil {
			return wrap("looking at "+path, err)
		}
		if !os.SameFile(info, old) {
			return fault.New(fault.IO, "setting the permissions of "+path, errors.New("it was replaced just now"),
				"keep other programs away from it, and run the copy again")
		}
	}
	s.fixed.Store(true)
	was := old.Mode() & modeBits
	mode := was
	switch {
	case s.opts.Perms:
		mode = s.kept(m)
	case c&(tree.Owners|tree.Groups) != 0:
		mode = old.Mode().Perm() // nobody's rights go over to another
	}
	return s.apply(&subject{file: f, bare: true, root: p.root, leaf: p.leaf, in: p.in, as: p.leaf, was: &was}, &m, mode)
}

// regainAccess makes a file of ours readable and writable for us.
func regainAccess(p *place, leaf string, seen fs.FileInfo) error {
	f, err := openBare(p.self, leaf)
	if err != nil {
		return err
	}
	if f != nil {
		defer func() { _ = f.Close() }() // nothing was written to it
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if !os.SameFile(info, seen) {
			return fs.ErrPermission
		}
	}
	return chmod(&subject{file: f, bare: true, root: p.root, leaf: leaf}, 0o600)
}
