package storage

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Store is where a copy of trees lands: a tree.Sink. Directories are made at once
// and get their modes and times at the end, files come into place by Commit, and
// links and devices by Finish. Until then each name shows what stood there before.
//
// Memory grows with the number of directories, and of files that have more than one
// name, and with that of all names where something is to be deleted. What a peer could
// make it keep without a cost on our disk is bounded: see held.
type Store struct {
	opts   tree.LandOptions
	naming tree.Naming
	path   string // where the copy lands
	single string // if not empty, the one entry at the top gets this name
	seam   seam
	pace   pace
	dirs   folders
	base   *folder // what entries without a parent lie in

	oneTop  bool   // the single entry has come
	made    []link // what Finish makes
	held    held
	owners  owners
	trouble atomic.Bool // something could not be copied: nothing is deleted, and a tree is not complete
	unsound atomic.Bool // syncing a whole file system failed once: it may have swallowed others' errors
	stood   atomic.Bool // a file of the base was there: a run that was killed may have put it there just now, and not have synced its name
	fixed   atomic.Bool // something was set of what was there, and is not on stable storage yet
	probe   sync.Once
	sound   bool // syncing a whole file system tells of failures
	notes   notes

	unfinished *folder     // has a mark, which goes at the end; nil: none has
	mark       string      // what that says
	goesOn     atomic.Bool // an unfinished tree was found

	probeUnnamed sync.Once
	unnamedAlone bool        // an fsync brings a file that has no name to stable storage
	unnamedOff   atomic.Bool // files are not to be made without a name

	life    sync.RWMutex // held for reading by what must not be closed under its feet
	mu      sync.Mutex
	resumed map[int64]*landing   // what Add has found to go on with, until Open takes it
	open    map[*landing]bool    // what was not committed or closed yet
	unnamed *unnamed             // the same, of those without a name: the first of a list
	linked  map[int64]*firstName // files that hard links may follow
	closed  bool
}

// newStore makes a Store around base, of which it takes over one hold.
func newStore(base *folder, path, single string, n tree.Naming, o tree.LandOptions) *Store {
	s := &Store{
		opts: o, naming: n, path: path, single: single, base: base, pace: usualPace,
		held: newHeld(), resumed: map[int64]*landing{}, open: map[*landing]bool{}, linked: map[int64]*firstName{},
	}
	s.dirs.init(base)
	return s
}

// Path returns the absolute path at which the copy lands: of the directory that
// it goes into, or of the single thing that it is.
func (s *Store) Path() string { return s.path }

// Close gives up the files that were opened and not committed, and lets go of
// everything. What an earlier run could go on with stays. It may be called again.
func (s *Store) Close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	s.life.Lock()
	defer s.life.Unlock()
	s.mu.Lock()
	left := slices.Collect(maps.Keys(s.open))
	s.mu.Unlock()
	var errs []error
	for _, l := range left {
		errs = append(errs, l.Close(false))
	}
	for _, u := range s.listed() {
		errs = append(errs, u.Close(false))
	}
	return errors.Join(append(errs, s.dirs.close())...)
}

func (s *Store) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// readOnly reports whether nothing may be touched.
func (s *Store) readOnly() bool { return s.opts.DryRun || s.opts.Verify }

// where returns the directory and the name that e goes to. A peer sends e: it is
// not to be trusted.
func (s *Store) where(e tree.Entry) (*folder, string, error) {
	if err := checkEntry(e); err != nil {
		return nil, "", fault.New(fault.Protocol, "placing "+shown(clip(e.Name)), err, "run the same version of rdmacp at both ends")
	}
	if e.Parent == 0 && e.Name == "" {
		if s.naming != tree.Contents || e.Kind != tree.Dir {
			return nil, "", fault.New(fault.Protocol, "placing an entry", errors.New("the name is empty"), "run the same version of rdmacp at both ends")
		}
		return s.base.up, s.base.leaf, nil
	}
	if err := checkLeaf(e.Name); err != nil {
		return nil, "", fault.New(fault.Usage, "placing "+shown(clip(e.Name)), err, "rename it at the source, or leave it out")
	}
	f, leaf, err := s.spot(e)
	if err == nil {
		err = f.reaches(leaf)
	}
	return f, leaf, err
}

// reaches fails where a leaf in f would lie deeper than any copy goes.
func (f *folder) reaches(leaf string) error {
	if err := tree.CheckDepth(f.depth+1, tree.PathLen(f.size, leaf)); err != nil {
		return fault.New(fault.Limit, "placing "+shown(leaf), err, tree.DepthFix)
	}
	return nil
}

// spot is where for an entry with a name.
func (s *Store) spot(e tree.Entry) (*folder, string, error) {
	if e.Parent != 0 {
		f := s.dirs.get(e.Parent)
		if f == nil {
			return nil, "", fault.New(fault.Protocol, "placing "+shown(e.Name), fmt.Errorf("it is in directory %d, which is not there", e.Parent),
				"look for what went wrong with the directory")
		}
		return f, e.Name, nil
	}
	if s.single == "" {
		return s.base, e.Name, nil
	}
	if s.oneTop {
		return nil, "", fault.New(fault.Protocol, "placing "+shown(e.Name), errors.New("there is one name for more than one thing"),
			"name a directory that exists to copy into")
	}
	s.oneTop = true
	return s.base, s.single, nil
}

// checkLeaf refuses what is not the name of something in a directory.
func checkLeaf(name string) error {
	if strings.Contains(name, "/") {
		return errors.New("the name has a slash in it")
	}
	return checkName(name)
}

// checkEntry refuses what no source can have.
func checkEntry(e tree.Entry) error {
	switch m := e.Meta; {
	case e.ID <= 0:
		return fmt.Errorf("its number is %d", e.ID)
	case !e.Kind.Known():
		return fmt.Errorf("it is %v", e.Kind)
	case e.Kind == tree.File && (m.Size < tree.Streamed || m.Allocated < 0):
		return fmt.Errorf("size %d, %d allocated", m.Size, m.Allocated)
	case e.Kind == tree.Symlink && (e.Link == "" || strings.ContainsRune(e.Link, 0)):
		return errors.New("it is a symbolic link to an impossible name")
	}
	end := int64(0)
	for _, r := range e.Data {
		if r.Off < end || r.Len <= 0 || r.Len > e.Meta.Size-r.Off {
			return fmt.Errorf("%d bytes at %d do not lie in their order in its %d bytes", r.Len, r.Off, e.Meta.Size)
		}
		end = r.End()
	}
	return nil
}
