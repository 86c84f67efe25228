package storage

import (
	"sync"
	"time"
)

// maxRecent is how many files a walk remembers that it has seen last.
const maxRecent = 4096

// recentFiles has the status of the files that a walk came by last. One that is
// opened soon after need not be looked at again.
type recentFiles struct {
	mu    sync.Mutex
	files []recentFile // each at its number, modulo maxRecent
}

type recentFile struct {
	id      int64
	status  status
	settled time.Time
}

func (t *recentFiles) put(id int64, st *status) {
	f := recentFile{id: id, status: *st, settled: settled(st.changed)}
	i := int(id % maxRecent)
	t.mu.Lock()
	defer t.mu.Unlock()
	for i >= len(t.files) { // it begins at one entry, and does not grow beyond maxRecent
		t.files = append(t.files, recentFile{})
	}
	t.files[i] = f
}

func (t *recentFiles) get(id int64) (recentFile, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := int(id % maxRecent); id > 0 && i < len(t.files) && t.files[i].id == id {
		return t.files[i], true
	}
	return recentFile{}, false
}
