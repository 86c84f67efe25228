package storage

import (
	"context"
	"os"
)

// many is from how many files or directories on the whole file system is brought
// to stable storage at once, rather than each by itself.
const many = 8

// syncFiles brings the files to stable storage. A failure is final: nothing is
// synced twice in the hope that it will work.
func (s *Store) syncFiles(ctx context.Context, items []*item) {
	var left []*item
	for _, it := range items {
		if it.err != nil || it.check {
			continue
		}
		if it.err = ended(ctx, "committing "+it.sink.place.path); it.err == nil {
			left = append(left, it)
		}
	}
	left = s.syncTogether(left)
	for _, it := range left {
		if err := it.sink.seam.do(stepSync, it.target().Sync); err != nil {
			it.err, it.ruined = it.sink.wrap("syncing", err), true
		}
	}
}

// target is the file that will stand at the destination.
func (it *item) target() *os.File {
	if it.asIs {
		return it.old.file
	}
	return it.sink.file
}

// syncTogether syncs those files that lie on the file system of the base, and
// returns those that have to be synced one by one.
//
// The kernel tells a descriptor of each failure to write once, whichever file it
// was. So one descriptor, which was open before the first write, learns of all of
// them, but two Commits that share it do not: after one failure, everybody looks
// at files only.
func (s *Store) syncTogether(items []*item) []*item {
	var together, rest []*item
	top := s.top()
	for _, it := range items {
		if sameDevice(it.sink.place.in.info, top.info) {
			together = append(together, it)
		} else {
			rest = append(rest, it)
		}
	}
	if len(together) < many || s.unsound.Load() || !s.soundSync() {
		return items
	}
	err := s.seam.do(stepSyncFS, func() error { return syncFS(top.open.self) })
	if err == nil && s.unsound.Load() {
		return items // another Commit may have been told of our failure
	}
	if err == nil {
		return rest
	}
	s.unsound.Store(true)
	for _, it := range together {
		it.err, it.ruined = it.sink.wrap("syncing", err), true
	}
	return rest
}

// top is the directory that is open as long as the Store is.
func (s *Store) top() *folder {
	f := s.base
	for f.up != nil {
		f = f.up
	}
	return f
}

// soundSync reports whether the whole file system can be synced, so that failures
// are told of.
func (s *Store) soundSync() bool {
	s.probe.Do(func() { s.sound = tellsOfFailures(s.top().open.self) })
	return s.sound
}

// syncFolders brings the names of the files that are in place to stable storage,
// with those of the directories above that this run has made.
func (s *Store) syncFolders(items []*item) {
	todo := map[*folder][]*item{}
	for _, it := range items {
		if !it.in {
			continue
		}
		f := it.sink.place.in
		todo[f] = append(todo[f], it)
		for ; f.up != nil && f.made && !s.isSynced(f); f = f.up {
			todo[f.up] = append(todo[f.up], it)
		}
	}
	if len(todo) == 0 {
		return
	}
	if s.syncFoldersTogether(todo) {
		return
	}
	for f, its := range todo {
		err := s.syncFolder(f)
		for _, it := range its {
			if err != nil && it.err == nil {
				it.err = it.sink.wrap("syncing the directory of", err)
			}
		}
	}
	for f := range todo {
		s.setSynced(f, todo)
	}
}

// syncFoldersTogether reports whether one call has done it, or failed to.
func (s *Store) syncFoldersTogether(todo map[*folder][]*item) bool {
	top := s.top()
	if len(todo) < many || s.unsound.Load() || !s.soundSync() {
		return false
	}
	for f := range todo {
		if !sameDevice(f.info, top.info) {
			return false
		}
	}
	err := s.seam.do(stepSyncFS, func() error { return syncFS(top.open.self) })
	if err != nil {
		s.unsound.Store(true)
	}
	for f, its := range todo {
		for _, it := range its {
			if err != nil && it.err == nil {
				it.err = it.sink.wrap("syncing the directory of", err)
			}
		}
		if err == nil {
			s.setSynced(f, todo)
		}
	}
	return true
}

// syncFolder syncs one directory.
func (s *Store) syncFolder(f *folder) error {
	h, err := s.dirs.hold(f)
	if err != nil {
		return err
	}
	defer s.dirs.drop(f)
	return s.seam.do(stepSyncDir, func() error { return syncDir(h.self) })
}

// isSynced reports whether f's own name is on stable storage.
func (s *Store) isSynced(f *folder) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.synced
}

// setSynced notes that f's own name is on stable storage, if the directory that it
// is in was synced as well.
func (s *Store) setSynced(f *folder, todo map[*folder][]*item) {
	above, ok := todo[f.up]
	if !ok {
		return
	}
	for _, it := range above {
		if it.err != nil {
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.synced = true
}
