package storage

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// sameFile looks whether old may be the very file that is copied: both hosts may see
// one file system. Nothing is to be done then, and the source's name must not go: it
// would be the last. Device numbers say nothing of other hosts, and neither do inode
// numbers alone, as hosts may be clones of each other; so where nothing is lost by
// it, only what has the ctime as well is the same.
func (s *Store) sameFile(m tree.Meta, p *place, old fs.FileInfo) (bool, error) {
	st := statusOf(old)
	if m.Inode == 0 || st.inode != m.Inode || st.size != m.Size || !st.modified.Equal(m.ModTime) {
		return false, nil
	}
	same := m.Changed != 0 && st.changed.Equal(time.Unix(0, m.Changed))
	if !s.opts.Durable {
		return same, nil
	}
	// A file server may tell its clients of a ctime with delay.
	return true, fault.New(fault.Usage, "copying "+p.shown(), errors.New("it seems to be the same file at both ends, and its source was to be removed"),
		"see whether both hosts mount the same file system; copy without --remove-source-files")
}

// secure brings a file that was there, and its name, to stable storage.
func (s *Store) secure(p *place, old fs.FileInfo) error {
	err := s.seam.do(stepSync, func() error {
		f, err := p.root.OpenFile(p.leaf, os.O_RDONLY|nonblock, 0)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // what matters is the sync
		info, err := f.Stat()
		if err == nil && !os.SameFile(info, old) {
			err = errors.New("it was replaced just now")
		}
		if err != nil {
			return err
		}
		return f.Sync()
	})
	if err == nil {
		err = s.seam.do(stepSyncDir, p.sync)
	}
	return wrap("bringing "+p.shown()+" to stable storage", err)
}
