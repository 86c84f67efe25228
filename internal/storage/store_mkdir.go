package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// ensureBase makes the directory where the copy lands.
func (s *Store) ensureBase() error {
	f := s.base
	if f.up == nil || f.info != nil || f.absent {
		return nil
	}
	p, err := s.place(f.up, f.leaf)
	if err != nil {
		return err
	}
	defer func() { _ = p.close() }()
	info, err := lookup(f.up, p)
	if err != nil {
		return err
	}
	switch {
	case info == nil:
		return s.makeDir(f, p, tree.Meta{Mode: 0o777 &^ umask()}, "")
	case info.IsDir():
		f.info = info
		return nil
	}
	return inTheWay(p, info)
}

// addDir makes a directory, or takes the one that is there.
func (s *Store) addDir(e tree.Entry, up *folder, leaf string, v *tree.Verdict) error {
	f := s.base
	if e.Name != "" || e.Parent != 0 {
		if f = s.dirs.known(up, leaf); f == nil {
			f = up.within(leaf)
		}
	}
	if f.sent { // sent twice: the other one may have put something there
		f.fresh.Store(false)
	}
	if f.up != nil {
		if err := s.enterDir(f, e, v); err != nil {
			return err
		}
		if err := s.begin(f, e); err != nil {
			return err
		}
	} else if err := s.compareDir(f, e, v); err != nil {
		return err
	}
	if f.absent || f.sent { // it costs the peer nothing on our disk
		if err := s.held.take(up, leaf, dirCost+int64(len(leaf))+ownerSize(e.Meta)); err != nil {
			return err
		}
	}
	attrs, err := s.attributes(up, leaf, e.Meta)
	if err != nil {
		return err
	}
	f.meta = e.Meta
	f.meta.Xattrs = attrs
	f.mode = s.wantMode(e.Meta, nil)
	if !f.made && !s.opts.Perms && f.info != nil {
		f.mode = f.info.Mode() & modeBits
	}
	s.dirs.enter(e.ID, f)
	return nil
}

// enterDir makes f unless it is there.
func (s *Store) enterDir(f *folder, e tree.Entry, v *tree.Verdict) error {
	if f.up.absent {
		f.absent, v.Change = true, tree.New
		return nil
	}
	if f.made {
		v.Change = tree.New
		return nil
	}
	p, err := s.place(f.up, f.leaf)
	if err != nil {
		return err
	}
	defer func() { _ = p.close() }()
	info, err := lookup(f.up, p)
	switch {
	case err != nil:
		return err
	case info == nil:
		v.Change = tree.New
		return s.makeDir(f, p, e.Meta, s.firstMark(e))
	case info.IsDir():
		return s.takeDir(f, p, e, info, v)
	case info.Mode()&fs.ModeSymlink == 0 || f == s.base || s.opts.IgnoreExisting && !s.opts.Verify:
		return inTheWay(p, info)
	}
	v.Change = tree.New | tree.Kinds
	if s.readOnly() {
		f.absent = true
		return nil
	}
	if err := s.seam.do(stepDelete, func() error { return removeAt(p.root, p.leaf) }); err != nil {
		return wrap("replacing the symbolic link "+p.shown(), err)
	}
	return s.makeDir(f, p, e.Meta, s.firstMark(e))
}

func inTheWay(p *place, info fs.FileInfo) error {
	return fault.New(fault.NotRegular, "making the directory "+p.shown(), fmt.Errorf("there is %s already", called(info.Mode())),
		"choose another name, or remove it first")
}

// called is kind for regular files too.
func called(mode fs.FileMode) string {
	if mode.IsRegular() {
		return "a file"
	}
	return kind(mode)
}

// makeDir makes the directory f at p, with a mark in it unless that is empty. Nobody
// else gets to write into it before all is there: its mode comes at the end.
func (s *Store) makeDir(f *folder, p *place, m tree.Meta, mark string) error {
	if s.readOnly() {
		f.absent = true
		return nil
	}
	mode := s.wantMode(m, nil).Perm()&^0o022 | 0o700
	what := "making the directory " + p.shown()
	err := s.mkdir(p, mode, mark)
	if errors.Is(err, fs.ErrExist) { // sent twice, or someone else was faster
		info, err := p.root.Lstat(p.leaf)
		if err != nil {
			return wrap(what, err)
		}
		if !info.IsDir() {
			return inTheWay(p, info)
		}
		f.info = info
		return nil
	}
	if err != nil {
		return wrap(what, err)
	}
	f.made = true
	f.fresh.Store(true)
	_, err = s.dirs.hold(f)
	if err == nil {
		s.dirs.drop(f)
	}
	return err
}

// takeDir takes the directory that is there. Where its mode keeps us from working
// in it, it is changed until the end.
func (s *Store) takeDir(f *folder, p *place, e tree.Entry, info fs.FileInfo, v *tree.Verdict) error {
	f.info = info
	v.Change = s.differs(p, e.Meta, info)
	const all = 0o700
	if s.readOnly() || mayChown() || info.Mode()&all == all || !ownedByUs(info) {
		return nil
	}
	bare, err := openBare(p.self, p.leaf)
	if err != nil {
		return wrap("opening "+p.shown(), err)
	}
	if bare != nil {
		defer func() { _ = bare.Close() }() // nothing was written to it
	}
	on := subject{file: bare, bare: true, root: p.root, leaf: p.leaf, in: p.in}
	err = s.seam.do(stepChmod, func() error { return chmod(&on, info.Mode()&modeBits|all) })
	return wrap("setting the permissions of "+p.shown(), err)
}

// compareDir says what differs at the directory that is open anyway.
func (s *Store) compareDir(f *folder, e tree.Entry, v *tree.Verdict) error {
	p, err := s.place(f, ".")
	if err != nil {
		return err
	}
	defer func() { _ = p.close() }()
	info, err := p.self.Stat()
	if err != nil {
		return wrap("looking at "+p.shown(), err)
	}
	f.info = info
	v.Change = s.differs(p, e.Meta, info)
	return nil
}

func ownedByUs(info fs.FileInfo) bool {
	return int(statusOf(info).uid) == os.Geteuid()
}
