package storage

import (
	"context"
	"fmt"
	"io/fs"
	"time"

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
		if f == s.base { // the names in other directories are synced anyway
			s.stood.Store(true)
		}
		if mayResume {
			if err := s.tidy(e, p); err != nil {
				return err
			}
		}
		if v.Change != 0 {
			if err := s.fix(p, e.Meta, old, v.Change); err != nil {
				return err
			}
		}
		if s.opts.Durable {
			return s.secure(p, old)
		}
		return nil
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
		return s.compareRegular(e, p, old, v)
	}
	if !o.Verify {
		v.Answer = tree.Want
	}
	return nil
}

// compareRegular compares e with the regular file that is there.
func (s *Store) compareRegular(e tree.Entry, p *place, old fs.FileInfo, v *tree.Verdict) error {
	o, m := s.opts, e.Meta
	if s.tooNew(old, m.ModTime) {
		v.Answer = tree.Skip
		return nil
	}
	if !o.Verify {
		if same, err := s.sameFile(m, p, old); same || err != nil {
			v.Answer = tree.Skip
			return err
		}
	}
	v.Change = s.differs(p, m, old)
	sameSize := old.Size() == m.Size
	if !sameSize {
		v.Change |= tree.Size | tree.Content
	}
	switch {
	case o.Verify && !sameSize:
		return nil
	case o.Verify:
		v.Answer, v.Compare = tree.Want, true
		return nil
	case s.looksEqual(m, old):
		return nil
	}
	v.Answer = tree.Want
	v.Change |= tree.Content
	v.Compare = o.Delta || o.Checksum
	return nil
}

// looksEqual reports whether the regular file that is there is the source's, so far
// as one can see from outside and the user takes that for enough.
func (s *Store) looksEqual(m tree.Meta, old fs.FileInfo) bool {
	o := s.opts
	if o.IgnoreTimes || o.Checksum || old.Size() != m.Size {
		return false
	}
	return o.SizeOnly || !m.ModTime.IsZero() && sameTime(old.ModTime(), m.ModTime)
}

// tooNew reports whether a regular file is left alone since it is newer than the
// source's.
func (s *Store) tooNew(old fs.FileInfo, modified time.Time) bool {
	return s.opts.Update && !s.opts.Verify && !modified.IsZero() && old.ModTime().After(modified)
}
