package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// Commit puts the file into place: when it returns nil, the destination's name
// shows the complete file, and will after a crash. Any error is final: the
// partial file is removed, and what stood at the destination stands there still.
// The one exception is the very last step: where the directory cannot be synced,
// the complete file is in place, but a crash may bring the old one back.
//
// A failed fsync is never tried again: the kernel drops the pages that it could
// not write and calls them clean, so that the second one would succeed and lie.
func (s *Sink) Commit(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return s.closed("committing")
	}
	if err := s.seal(ctx); err != nil {
		return joined(err, s.abandon())
	}
	if err := s.seam.do(stepRename, s.rename); err != nil {
		return joined(s.wrap("putting into place", err), s.abandon())
	}
	err := s.wrap("syncing the directory of", s.seam.do(stepSyncDir, s.place.sync))
	s.release()
	return err
}

// seal makes the partial file what the destination shall be.
func (s *Sink) seal(ctx context.Context) error {
	if f := s.spoiled.Load(); f != nil {
		return f
	}
	steps := []struct {
		step step
		verb string
		call func() error
	}{
		{stepChmod, "setting the permissions of", func() error { return s.file.Chmod(s.meta.Mode.Perm()) }},
		{stepTimes, "setting the time of", s.setTime},
		{stepSync, "syncing", s.file.Sync},
		{stepVerify, "committing", s.verify},
	}
	for _, st := range steps {
		if err := endedAt(ctx, "committing", s.place); err != nil {
			return err
		}
		if err := s.seam.do(st.step, st.call); err != nil {
			return s.wrap(st.verb, err)
		}
	}
	return endedAt(ctx, "committing", s.place)
}

func (s *Sink) setTime() error {
	if s.meta.ModTime.IsZero() {
		return nil
	}
	return setModTime(s.file, s.place.root, s.partial, s.meta.ModTime)
}

// verify refuses to rename what is not the file that was written: the partial
// file lies where others can reach it.
func (s *Sink) verify() error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	still, err := s.stillThere()
	if err != nil {
		return err
	}
	switch {
	case !still:
		err = errors.New("it was removed or replaced")
	case info.Size() != s.meta.Size:
		err = fmt.Errorf("its size was changed from %d to %d bytes", s.meta.Size, info.Size())
	default:
		s.held = info
		return nil
	}
	return fault.New(fault.IO, "committing "+s.place.shown(),
		fmt.Errorf("someone else touched %s: %w", shown(s.partial), err), "keep other programs away from it, and run the copy again")
}

// stillThere reports whether the partial's name leads to the file that we hold.
func (s *Sink) stillThere() (bool, error) {
	held := s.held
	if held == nil { // it was made, but not claimed
		var err error
		if held, err = s.file.Stat(); err != nil {
			return false, err
		}
	}
	here, err := s.place.root.Lstat(s.partial)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(held, here), err
}

func (s *Sink) rename() error {
	if in := s.place.in; in != nil && in.fresh.Load() {
		return renameHere(s.place, s.partial) // os.Root would look for a directory first
	}
	return replace(s.place.root, s.partial, s.place.leaf)
}
