package storage

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Finish makes the links, removes what is to be removed, and gives the directories
// their modes and times, in that order. See tree.Sink.
func (s *Store) Finish(ctx context.Context, clean bool, n tree.Notes) error {
	s.life.RLock()
	defer s.life.RUnlock()
	if s.isClosed() {
		return fault.New(fault.Internal, "finishing "+shown(s.path), os.ErrClosed, "")
	}
	problem := func(in *folder, leaf string, err error) {
		f, ok := fault.As(err)
		if !ok {
			f = fault.New(fault.IO, "finishing "+in.shown(leaf), err, fixDisk)
		}
		s.trouble.Store(true)
		if n.Problem != nil {
			n.Problem(tree.Problem{Path: in.below(s.base, leaf), Fault: f})
		}
	}
	if !clean {
		s.trouble.Store(true)
	}
	if err := s.makeLinks(ctx, s.made, problem); err != nil {
		return err
	}
	if s.opts.Delete && !s.trouble.Load() && !s.opts.Verify {
		if err := s.deleteOthers(ctx, n, problem); err != nil {
			return err
		}
	}
	if s.readOnly() {
		return nil
	}
	if err := s.dressAll(ctx, problem); err != nil {
		return err
	}
	if n.Problem != nil {
		s.notes.tell(n.Problem)
	}
	return nil
}

// dressAll gives the directories what they shall have, the deepest first: once one
// has its mode, nobody may get into it any more. Then it brings all to stable
// storage.
func (s *Store) dressAll(ctx context.Context, problem func(*folder, string, error)) error {
	touched := maps.Clone(s.held.in)
	for i := range s.made {
		touched[s.made[i].in] = true
	}
	for _, f := range s.dirs.all {
		touched[f] = true
		if f.up != nil {
			touched[f.up] = true
		}
	}
	if s.stood.Load() {
		touched[s.base] = true
	}
	together := (len(touched) >= many || s.fixed.Load()) && s.soundSync() && !s.unsound.Load()
	top := s.top()
	for _, f := range slices.Backward(s.dirs.all) {
		if err := ended(ctx, "finishing "+f.shown("")); err != nil {
			return err
		}
		delete(touched, f)
		alone := !together || !sameDevice(f.info, top.info)
		if err := s.complete(f, alone); err != nil {
			problem(f, "", err)
		}
	}
	for f := range touched {
		if err := s.syncFolder(f); err != nil {
			problem(f, "", wrap("syncing the directory "+f.shown(""), err))
		}
	}
	if !together {
		return nil
	}
	err := s.seam.do(stepSyncFS, func() error { return syncFS(top.open.self) })
	if err != nil {
		s.unsound.Store(true)
		problem(s.base, "", wrap("syncing the file system of "+s.base.shown(""), err))
	}
	return nil
}

// dressDir gives a directory its mode and the like.
func (s *Store) dressDir(f *folder, sync bool) error {
	if f.absent {
		return nil
	}
	h, err := s.dirs.hold(f)
	if err != nil {
		return err
	}
	defer s.dirs.drop(f)
	path := f.shown("")
	info, err := h.self.Stat()
	if err != nil {
		return wrap("looking at "+path, err)
	}
	was := info.Mode() & modeBits
	err = s.apply(&subject{file: h.self, root: h.root, leaf: ".", in: f, was: &was}, &f.meta, f.mode)
	if !sync {
		return err
	}
	synced := s.seam.do(stepSyncDir, func() error { return syncDir(h.self) })
	return errors.Join(err, wrap("syncing the directory "+path, synced))
}
