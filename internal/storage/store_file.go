package storage

import (
	"context"
	"fmt"
	"io/fs"
	"os"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// addFile compares a file with what stands at its place.
func (s *Store) addFile(ctx context.Context, e tree.Entry, f *folder, p *place, v *tree.Verdict) error {
	old, err := lookup(f, p)
	if err != nil {
		return err
	}
	if err := s.compare(e, p, old, v); err != nil {
		return err
	}
	s.remember(e, f, p.leaf, old, v.Answer)
	leftovers := s.worthResuming(e) || old != nil && old.Size() > s.pace.larger
	mayResume := leftovers && !f.fresh.Load() && !s.readOnly()
	switch {
	case v.Answer == tree.Done && !s.readOnly():
		if mayResume {
			if err := s.tidy(e, p); err != nil {
				return err
			}
		}
		if v.Change == 0 {
			return nil
		}
		return s.fix(p, e.Meta, old, v.Change)
	case v.Answer != tree.Want:
		return nil
	case s.opts.DryRun && !s.opts.Verify:
		v.Answer, v.Compare = tree.Done, false
		return nil
	}
	v.Ranges = e.Ranges()
	if !mayResume {
		return nil
	}
	return s.resume(ctx, e, p, v)
}

// addNew is addFile in a directory that this run has made: nothing stands there,
// and no earlier run has left anything. Such a run makes files, or there were no
// directory.
func (s *Store) addNew(e tree.Entry, f *folder, leaf string, v *tree.Verdict) {
	v.Change, v.Answer, v.Ranges = tree.New, tree.Want, e.Ranges()
	s.remember(e, f, leaf, nil, tree.Want)
}

// compare fills in the answer, and what differs.
func (s *Store) compare(e tree.Entry, p *place, old fs.FileInfo, v *tree.Verdict) error {
	o := s.opts
	switch {
	case old == nil:
		v.Change = tree.New
	case !old.Mode().IsRegular() && old.Mode()&fs.ModeSymlink == 0:
		return fault.New(fault.NotRegular, "creating "+p.shown(), fmt.Errorf("there is %s already", kind(old.Mode())),
			"choose another name, or remove it first")
	case o.IgnoreExisting && !o.Verify:
		v.Answer = tree.Skip
		return nil
	case !old.Mode().IsRegular():
		v.Change = tree.Kinds
	default:
		s.compareRegular(e, p, old, v)
		return nil
	}
	if !o.Verify {
		v.Answer = tree.Want
	}
	return nil
}

// compareRegular compares e with the regular file that is there.
func (s *Store) compareRegular(e tree.Entry, p *place, old fs.FileInfo, v *tree.Verdict) {
	o, m := s.opts, e.Meta
	if o.Update && !o.Verify && !m.ModTime.IsZero() && old.ModTime().After(m.ModTime) {
		v.Answer = tree.Skip
		return
	}
	v.Change = s.differs(p, m, old)
	sameSize := old.Size() == m.Size
	sameTime := !m.ModTime.IsZero() && old.ModTime().Equal(m.ModTime)
	if !sameSize {
		v.Change |= tree.Size | tree.Content
	}
	switch {
	case o.Verify && !sameSize:
		return
	case o.Verify:
		v.Answer, v.Compare = tree.Want, true
		return
	case o.IgnoreTimes || o.Checksum || !sameSize:
	case o.SizeOnly || sameTime:
		return // equal, so far as one can see from outside
	}
	v.Answer = tree.Want
	v.Change |= tree.Content
	v.Compare = o.Delta || o.Checksum
}

// firstName is where a file is whose further names are to come.
type firstName struct {
	in   *folder
	leaf string
	info fs.FileInfo // which file it is; nil until it is there
}

// is reports whether a file is the one that was copied. Its number alone does not
// tell: that of a file that was removed may be given to the next.
func (n *firstName) is(info fs.FileInfo) bool {
	return n.info != nil && os.SameFile(n.info, info) && n.info.Size() == info.Size() && n.info.ModTime().Equal(info.ModTime())
}

// remember notes where a file goes that hard links may follow.
func (s *Store) remember(e tree.Entry, f *folder, leaf string, old fs.FileInfo, a tree.Answer) {
	if !e.Linked {
		return
	}
	first := &firstName{in: f, leaf: leaf}
	if a != tree.Want || s.opts.Verify {
		first.info = old
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.linked[e.ID] = first
}
