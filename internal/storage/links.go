package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// link is something without bytes that Finish makes: a link, a device and the
// like.
type link struct {
	in    *folder
	leaf  string
	kind  tree.Kind
	meta  tree.Meta
	to    string      // symbolic link: what it says
	first *firstName  // hard link: the name that is there
	there fs.FileInfo // what is as it should be, but for its owner and time; nil: it is to be made
}

// addOther notes what is neither a file nor a directory.
func (s *Store) addOther(ctx context.Context, e tree.Entry, f *folder, p *place, v *tree.Verdict) error {
	l := link{in: f, leaf: p.leaf, kind: e.Kind, meta: e.Meta, to: e.Link}
	if e.Kind == tree.Hardlink {
		if l.first = s.firstOf(e.First); l.first == nil {
			return fault.New(fault.Protocol, "linking "+p.shown(), fmt.Errorf("the file %d, of which it is a further name, is not known", e.First),
				"run the same version of rdmacp at both ends")
		}
	}
	old, err := lookup(f, p)
	switch {
	case err != nil:
		return err
	case old != nil && old.IsDir():
		return l.inTheWay(p, old)
	case old != nil && s.leaves(&l, old):
		v.Answer = tree.Skip
		return nil
	case l.first != nil && l.first.skipped:
		return l.first.unlinkable(p)
	case old == nil:
		v.Change = tree.New
	default:
		if v.Change = s.compareOther(&l, p, old); v.Change&(tree.Kinds|tree.Content) == 0 {
			l.there = old
		}
	}
	l.meta.Xattrs = nil
	if e.Kind != tree.Symlink && e.Kind != tree.Hardlink { // links have none of their own
		if l.meta.Xattrs, err = s.attributes(f, p.leaf, e.Meta); err != nil {
			return err
		}
	}
	if v.Change != 0 && !s.readOnly() {
		return s.noteLink(ctx, l)
	}
	return nil
}

func (l *link) inTheWay(p *place, old fs.FileInfo) error {
	return fault.New(fault.NotRegular, "making the "+l.kind.String()+" "+p.shown(), fmt.Errorf("there is %s already", called(old.Mode())),
		"choose another name, or remove it first")
}

// leaves reports whether what stands there is left alone, since the user said so.
func (s *Store) leaves(l *link, old fs.FileInfo) bool {
	if s.opts.IgnoreExisting {
		return !s.opts.Verify
	}
	return l.first != nil && old.Mode().IsRegular() && s.tooNew(old, l.first.modified)
}

// compareOther says what differs at what stands there.
func (s *Store) compareOther(l *link, p *place, old fs.FileInfo) tree.Change {
	var same bool
	st := statusOf(old)
	switch mode := old.Mode(); l.kind {
	case tree.Hardlink:
		if !l.first.is(old) {
			return tree.Content // or just the link; nothing tells before the first is there
		}
		return 0
	case tree.Symlink:
		if mode&fs.ModeSymlink == 0 {
			return tree.Kinds
		}
		to, err := p.root.Readlink(p.leaf)
		same = err == nil && slashed(to) == l.to
	case tree.FIFO:
		same = mode&fs.ModeNamedPipe != 0
	case tree.Socket:
		same = mode&fs.ModeSocket != 0
	case tree.CharDevice, tree.BlockDevice:
		same = mode&fs.ModeDevice != 0 && (mode&fs.ModeCharDevice != 0) == (l.kind == tree.CharDevice) &&
			st.major == l.meta.Major && st.minor == l.meta.Minor
	case tree.File, tree.Dir:
	}
	if !same {
		return tree.Content
	}
	c := s.differs(p, l.meta, old)
	if l.kind == tree.Symlink {
		c &^= tree.Mode
	}
	return c
}

// rank is the order in which they are made: what hard links lead to first, and
// symbolic links last of all, so that nothing is ever made through one.
func (l *link) rank() int {
	switch l.kind {
	case tree.Symlink:
		return 2
	case tree.Hardlink:
		return 1
	case tree.File, tree.Dir, tree.FIFO, tree.Socket, tree.CharDevice, tree.BlockDevice:
	}
	return 0
}

// make makes the link, or sets its owner and time.
func (s *Store) make(l *link) error {
	p, err := s.place(l.in, l.leaf)
	if err != nil {
		return err
	}
	defer func() { _ = p.close() }()
	what := "making the " + l.kind.String() + " " + p.shown()
	if l.there != nil {
		return s.dressLink(l, p, p.leaf)
	}
	old, err := p.root.Lstat(p.leaf)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return wrap(what, err)
	case old.IsDir():
		return l.inTheWay(p, old)
	case l.first != nil && l.first.is(old):
		return nil // to rename a name of a file to another of its names does nothing at all
	}
	if err == nil || l.first != nil {
		return s.replace(l, p, what)
	}
	err = s.seam.do(stepMake, func() error { return s.makeAt(l, p, p.leaf) })
	if errors.Is(err, fs.ErrExist) { // someone else was faster
		return s.replace(l, p, what)
	}
	if err != nil {
		return wrap(what, err)
	}
	return s.dressLink(l, p, p.leaf)
}

// replace makes the link under another name first, so that what stands there is
// replaced in one step.
func (s *Store) replace(l *link, p *place, what string) error {
	name := linkName(p.leaf)
	err := s.seam.do(stepMake, func() error {
		err := removeAt(p.root, name) // a killed run's
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return s.makeAt(l, p, name)
	})
	if err != nil {
		return wrap(what, err)
	}
	if err = s.dressLink(l, p, name); err == nil {
		err = wrap(what, s.seam.do(stepPutMade, func() error { return replace(p.root, name, p.leaf) }))
	}
	if err == nil {
		return nil
	}
	cleanup := removeAt(p.root, name)
	if errors.Is(cleanup, fs.ErrNotExist) {
		cleanup = nil
	}
	return joined(err, cleanup)
}

// makeAt makes the link under a name that is free.
func (s *Store) makeAt(l *link, p *place, name string) error {
	switch l.kind {
	case tree.Symlink:
		return p.root.Symlink(l.to, name)
	case tree.Hardlink:
		return s.linkAt(l, p, name)
	case tree.FIFO, tree.Socket, tree.CharDevice, tree.BlockDevice:
		return makeNode(p.self, name, l.kind, l.meta)
	case tree.File, tree.Dir:
	}
	return errors.ErrUnsupported
}

// linkAt gives the file that was copied first one more name, and no other file.
func (s *Store) linkAt(l *link, p *place, name string) error {
	first := l.first
	if first.info == nil {
		return fault.New(fault.NotFound, "linking "+p.shown(), errors.New("the file was not copied under its first name, "+first.in.shown(first.leaf)),
			"look for what went wrong with that one")
	}
	h, err := s.dirs.hold(first.in)
	if err != nil {
		return err
	}
	defer s.dirs.drop(first.in)
	if err := linkNames(h.self, first.leaf, p.self, name); err != nil {
		return err
	}
	info, err := p.root.Lstat(name)
	if err == nil && !first.is(info) {
		err = fault.New(fault.IO, "linking "+p.shown(), errors.New("someone else has replaced "+first.in.shown(first.leaf)),
			"keep other programs away from it, and run the copy again")
	}
	if err != nil {
		return joined(wrap("linking "+p.shown(), err), removeAt(p.root, name))
	}
	return nil
}

// dressLink sets what is kept of a link under that name: a hard link shares it with
// the first name, and a symbolic link has no mode.
func (s *Store) dressLink(l *link, p *place, name string) error {
	if l.kind == tree.Hardlink {
		return nil
	}
	f, err := openBare(p.self, name)
	if err != nil {
		return wrap("opening "+p.shown(), err)
	}
	if f != nil {
		defer func() { _ = f.Close() }() // nothing was written to it
	}
	if err := l.still(f, p, name); err != nil {
		return err
	}
	on := subject{file: f, bare: true, root: p.root, leaf: name, in: p.in, as: p.leaf}
	if l.kind != tree.Symlink {
		return s.dressNode(on, l, p)
	}
	s.applyOwner(&on, l.meta.Owner)
	if !s.opts.Times || l.meta.ModTime.IsZero() || f == nil {
		return nil
	}
	err = s.seam.do(stepTimes, func() error { return setModTime(f, p.root, name, l.meta.ModTime) })
	return wrap("setting the time of "+p.shown(), err)
}

// still fails unless what stands at a name, and is open as f where that can be, is what is
// to be dressed: that which was looked at, or has just been made and has no other name. Who
// may write to the directory can put there whatever else he likes, and it would be given away.
func (l *link) still(f *os.File, p *place, name string) error {
	var info fs.FileInfo
	var err error
	if f != nil {
		info, err = f.Stat()
	} else {
		info, err = p.root.Lstat(name)
	}
	if err != nil {
		return wrap("looking at "+p.shown(), err)
	}
	st := statusOf(info)
	if l.there != nil && os.SameFile(l.there, info) || l.there == nil && kindOf(st.mode) == l.kind && st.links <= 1 {
		return nil
	}
	return fault.New(fault.IO, "making the "+l.kind.String()+" "+p.shown(), errors.New("it was replaced just now"),
		"keep other programs away from it, and run the copy again")
}

// dressNode sets what is kept of a device or the like. One that was there keeps its
// mode, unless modes are copied.
func (s *Store) dressNode(on subject, l *link, p *place) error {
	mode := s.wantMode(l.meta, nil)
	if l.there != nil && !s.opts.Perms && on.file != nil {
		info, err := on.file.Stat()
		if err != nil {
			return wrap("looking at "+p.shown(), err)
		}
		mode = info.Mode() & modeBits
	}
	return s.apply(&on, &l.meta, mode)
}
