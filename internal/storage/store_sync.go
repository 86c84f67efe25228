package storage

import (
	"context"
)

// many is from how many files or directories on the whole file system is brought
// to stable storage at once, rather than each by itself.
const many = 8

// syncFiles brings the files to stable storage. A failure is final: nothing is
// synced twice in the hope that it will work.
func (s *Store) syncFiles(ctx context.Context, items []candidate) {
	left := make([]candidate, 0, len(items))
	for _, it := range items {
		p := it.so()
		if p.err != nil || p.dry {
			continue
		}
		if p.err = endedAt(ctx, "committing", it); p.err == nil {
			left = append(left, it)
		}
	}
	each(s.syncTogether(left), candidate.sync)
}

// syncTogether syncs those files that lie on the file system of the base, and
// returns those that have to be synced one by one.
//
// The kernel tells a descriptor of each failure to write once, whichever file it
// was. So one descriptor, which was open before the first write, learns of all of
// them, but two Commits that share it do not: after one failure, everybody looks
// at files only.
func (s *Store) syncTogether(items []candidate) []candidate {
	if len(items) < many {
		return items
	}
	together := make([]candidate, 0, len(items))
	var rest []candidate
	top := s.top()
	for _, it := range items {
		if sameDevice(it.folder().info, top.info) {
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
		it.lost(err)
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
func (s *Store) syncFolders(items []candidate) {
	todo := map[*folder][]candidate{}
	nameless := 0
	for _, it := range items {
		if !it.so().placed {
			continue
		}
		if _, is := it.(*unnamed); is {
			nameless++
		}
		f := it.folder()
		todo[f] = append(todo[f], it)
		for ; f.up != nil && f.made && !s.isSynced(f); f = f.up {
			todo[f.up] = append(todo[f.up], it)
		}
	}
	if len(todo) == 0 {
		return
	}
	if max(len(todo), nameless) >= many && s.syncFoldersTogether(todo) {
		return
	}
	each(items, candidate.settle)
	for f, its := range todo {
		directoryFailed(its, s.syncFolder(f))
	}
	for f := range todo {
		s.setSynced(f, todo)
	}
}

// syncFoldersTogether reports whether one call has done it, or failed to.
func (s *Store) syncFoldersTogether(todo map[*folder][]candidate) bool {
	top := s.top()
	if s.unsound.Load() || !s.soundSync() {
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
		directoryFailed(its, err)
		if err == nil {
			s.setSynced(f, todo)
		}
	}
	return true
}

// directoryFailed tells files that their directory could not be synced; unless err
// is nil.
func directoryFailed(items []candidate, err error) {
	for _, it := range items {
		if p := it.so(); err != nil && p.err == nil {
			p.err = it.wrap("syncing the directory of", err)
		}
	}
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
func (s *Store) setSynced(f *folder, todo map[*folder][]candidate) {
	above, ok := todo[f.up]
	if !ok {
		return
	}
	for _, it := range above {
		if it.so().err != nil {
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.synced = true
}
