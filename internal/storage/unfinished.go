package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// treeMark is a file in a directory that was made to be the copy of one of the
// source's, for as long as anything is missing there. By it the same command, when
// it is run again, tells that directory from one that it is to put a copy into.
const treeMark = treeSuffix

// maxMark is more than a mark has, in bytes.
const maxMark = 8 << 10

// origin says, in a mark, which directory of the source's is copied.
func origin(e tree.Entry) string {
	return fmt.Sprintf("device %d, inode %d, name ", e.Meta.Device, e.Meta.Inode)
}

// mark is what a mark says. It is for people, too.
func mark(e tree.Entry) string {
	return fmt.Sprintf("%s%q\nThis directory is a copy of that one, and not complete. The same command of rdmacp goes on with it\n"+
		"and removes this file.\n", origin(e), e.Name)
}

// goOn looks whether the directory in which the copy lands is an unfinished copy of
// the directory e. If so, e is not put into it: what e holds is.
func (s *Store) goOn(e *tree.Entry) {
	if e.Parent != 0 || e.Kind != tree.Dir || e.Meta.Inode == 0 || s.single != "" || s.base.up != nil || s.naming == tree.Into {
		return
	}
	says := s.readMark()
	switch {
	case says == "":
	case s.naming == tree.Auto && says == mark(*e):
		e.Name, s.naming = "", tree.Contents
		s.goesOn.Store(true)
		s.setUnfinished(s.base, says)
	case e.Name == "" && strings.HasPrefix(says, origin(*e)):
		s.setUnfinished(s.base, says)
	}
}

// GoesOn reports whether the copy goes on with an unfinished one, whose name is
// where it lands.
func (s *Store) GoesOn() bool { return s.goesOn.Load() }

// setUnfinished remembers that f has a mark.
func (s *Store) setUnfinished(f *folder, says string) {
	s.unfinished, s.mark = f, says
	if s.opts.Delete {
		f.tell(treeMark) // nobody but us removes it
	}
}

// readMark returns what the mark says in the directory where the copy lands; empty
// if it has none that we have made.
func (s *Store) readMark() string {
	p, err := s.place(s.base, treeMark)
	if err != nil {
		return ""
	}
	defer func() { _ = p.close() }()
	f, err := openOurs(p, p.leaf, os.O_RDONLY)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()               // nothing was written to it
	b, _ := io.ReadAll(io.LimitReader(f, maxMark)) // half a mark is none
	return string(b)
}

// firstMark is what the mark of e's copy says, if that is to have one.
func (s *Store) firstMark(e tree.Entry) string {
	if e.Parent != 0 || s.single == "" || e.Meta.Inode == 0 {
		return ""
	}
	return mark(e)
}

// mkdir makes the directory at p. One with a mark is made under another name: without
// its mark, nobody shall find it under its own.
func (s *Store) mkdir(p *place, mode fs.FileMode, mark string) error {
	leaf, inside := p.leaf, ""
	if mark != "" {
		leaf = ownName(p.leaf, treeSuffix)
		inside = filepath.Join(leaf, treeMark)
		for _, left := range []string{inside, leaf} { // by a killed run
			_ = removeAt(p.root, left)
		}
	}
	err := s.seam.do(stepMkdir, func() error { return p.root.Mkdir(leaf, mode) })
	if err != nil || mark == "" {
		return err
	}
	err = s.putMark(p.root, inside, mark)
	if err == nil {
		err = s.seam.do(stepPutMade, func() error { return p.root.Rename(leaf, p.leaf) })
	}
	if err != nil {
		for _, left := range []string{inside, leaf} {
			_ = removeAt(p.root, left)
		}
	}
	return err
}

// begin remembers that f, which was just made to be the copy of e, is unfinished.
func (s *Store) begin(f *folder, e tree.Entry) error {
	says := s.firstMark(e)
	if says == "" || !f.made {
		return nil
	}
	s.setUnfinished(f, says)
	err := s.writeMark()
	if errors.Is(err, fs.ErrExist) { // else another copy that has begun just now took it
		return nil
	}
	return err
}

func (s *Store) writeMark() error {
	p, err := s.place(s.unfinished, treeMark)
	if err != nil {
		return err
	}
	defer func() { _ = p.close() }()
	return wrap("creating "+p.shown(), s.putMark(p.root, p.leaf, s.mark))
}

func (s *Store) putMark(root *os.Root, name, says string) error {
	return s.seam.do(stepMark, func() error {
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = f.WriteString(says)
		return errors.Join(err, f.Sync(), f.Close())
	})
}

func (s *Store) removeMark() error {
	p, err := s.place(s.unfinished, treeMark)
	if err != nil {
		return err
	}
	defer func() { _ = p.close() }()
	err = s.seam.do(stepUnmark, func() error { return removeAt(p.root, p.leaf) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return wrap("removing "+p.shown(), err)
}

// complete is dressDir for whatever directory. One that is unfinished loses its
// mark first, since that changes its time, if there is nothing left to be done in
// it: otherwise the same command shall go on there.
func (s *Store) complete(f *folder, sync bool) error {
	if f != s.unfinished || s.trouble.Load() || s.notes.any() {
		return s.dressDir(f, sync)
	}
	if err := s.removeMark(); err != nil {
		return errors.Join(err, s.dressDir(f, sync))
	}
	err := s.dressDir(f, sync)
	if err != nil || s.notes.any() {
		_ = s.writeMark() // it is for the next run, which goes elsewhere without it
	}
	return err
}
