package storage

import (
	"errors"
	"os"
	"sync"
)

// maxOpenDirs is how many directories a walk keeps open. With fewer, the files of
// a deep tree would have their directories opened over and over.
const maxOpenDirs = 64

// spot is where a directory is found again: by its leaf name in the one above, or
// where a start led to.
type spot struct {
	parent        int64 // number of the directory above; 0: a start led to it
	name          string
	dir           *Dir // parent 0: what name lies beneath; nil: it is the user's path
	passed        bool // parent 0: nothing but a start in it is copied
	through       bool // name is a symbolic link that is followed
	device, inode uint64
}

// dirTable has the directories that a walk came through, by the numbers of their
// entries. The latest are open. Those that no entry stands for, as only a start in
// them is copied, have numbers below zero. Its methods may be called from any
// goroutine.
type dirTable struct {
	mu     sync.Mutex
	spots  map[int64]spot
	starts map[startKey]int64 // the numbers below zero
	tops   map[int64]int64    // which of them an entry without a parent is in
	open   map[int64]*heldDir
	clock  int64
	closed bool
}

type startKey struct {
	dir  *Dir
	path string
}

// heldDir is an open directory of the table.
type heldDir struct {
	*walkDir
	table *dirTable
	holds int
	used  int64 // when it was, by the table's clock
	stale bool  // it is no longer in the table
}

func newDirTable() *dirTable {
	return &dirTable{
		spots: map[int64]spot{}, starts: map[startKey]int64{}, tops: map[int64]int64{}, open: map[int64]*heldDir{},
	}
}

// start returns the number of the directory at path in which a start lies.
func (t *dirTable) start(d *Dir, path string) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := startKey{d, path}
	id, ok := t.starts[key]
	if !ok {
		id = int64(-1 - len(t.starts))
		t.starts[key] = id
		t.spots[id] = spot{name: path, dir: d, passed: true}
	}
	return id
}

// top says that the entry with that number, which has no parent, is in a directory
// of the table.
func (t *dirTable) top(entry, in int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tops[entry] = in
}

// of returns the number of the directory that an entry is in, zero if it is none
// of ours.
func (t *dirTable) of(entry, parent int64) int64 {
	if parent != 0 {
		return parent
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tops[entry]
}

// add takes over an open directory and gives it a number.
func (t *dirTable) add(id int64, s spot, w *walkDir) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spots[id] = s
	t.keep(id, w)
}

// hold returns a directory, opened again if need be. The caller releases it.
func (t *dirTable) hold(id int64) (*heldDir, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h, err := t.get(id)
	if err == nil {
		h.holds++
	}
	return h, err
}

func (h *heldDir) release() {
	h.table.mu.Lock()
	defer h.table.mu.Unlock()
	h.holds--
	if h.stale && h.holds == 0 {
		_ = h.close() // nothing was written to it
	}
}

// get is hold without the lock, and without a hold.
func (t *dirTable) get(id int64) (*heldDir, error) {
	t.clock++
	if h, ok := t.open[id]; ok {
		h.used = t.clock
		return h, nil
	}
	s, ok := t.spots[id]
	if t.closed || !ok {
		return nil, os.ErrClosed
	}
	w, err := t.reopen(s)
	if err != nil {
		return nil, err
	}
	st, err := w.self()
	if err == nil && s.inode != 0 && (st.device != s.device || st.inode != s.inode) {
		err = errReplaced
	}
	if err != nil {
		_ = w.close() // nothing was written to it
		return nil, err
	}
	s.device, s.inode = st.device, st.inode
	t.spots[id] = s
	return t.keep(id, w), nil
}

var errReplaced = errors.New("its directory was replaced by another")

func (t *dirTable) reopen(s spot) (*walkDir, error) {
	if s.parent == 0 {
		return openWalkDir(s.dir, s.name, s.passed)
	}
	above, err := t.get(s.parent)
	if err != nil {
		return nil, err
	}
	return above.sub(s.name, s.through)
}

// keep puts an open directory into the table, and another one out of it if there
// are too many.
func (t *dirTable) keep(id int64, w *walkDir) *heldDir {
	if len(t.open) >= maxOpenDirs {
		oldest, used := int64(0), t.clock+1
		for other, h := range t.open {
			if h.used < used {
				oldest, used = other, h.used
			}
		}
		t.drop(oldest)
	}
	t.clock++
	h := &heldDir{walkDir: w, table: t, used: t.clock}
	t.open[id] = h
	return h
}

// drop puts a directory out of the table, and closes it once nobody holds it.
func (t *dirTable) drop(id int64) {
	h, ok := t.open[id]
	if !ok {
		return
	}
	delete(t.open, id)
	h.stale = true
	if h.holds == 0 {
		_ = h.close() // nothing was written to it
	}
}

// close lets go of all directories.
func (t *dirTable) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for id := range t.open {
		t.drop(id)
	}
}
