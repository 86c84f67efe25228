package storage

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/filter"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Start is where a walk begins.
//
// Without a Dir, Path is one of this host as the user wrote it. With one, Path is
// a name beneath it, "." is the Dir itself, and nothing outside is ever reached. A
// slash at the end of Path means what is in the directory rather than the
// directory, as for rsync: it has an entry without a name.
type Start struct {
	Dir  *Dir
	Path string
	Name string // of the entry of the Dir itself, whose Path is "."; empty: it has none

	NoLink bool // a symbolic link at Path is not followed, whatever the options say of others
}

// Walker finds the entries of trees, and opens their files: a tree.Source. It
// works in directories that it holds open, by leaf names, so that nobody can lead
// it elsewhere by moving directories or planting symbolic links.
//
// Memory grows with the number of directories, and of files that have more than
// one name where hard links are kept; and with the names of one directory, or of all
// that starts have in common.
type Walker struct {
	starts []Start
	opts   tree.WalkOptions
	table  *dirTable
	recent recentFiles
	began  atomic.Bool

	unlinked sync.Map // fileKey: a name of that file was removed, and others were left
}

var _ tree.Source = (*Walker)(nil)

// NewWalker makes a Walker that is to be closed. What is wrong with the options or
// with a start is told by Walk.
func NewWalker(starts []Start, o tree.WalkOptions) *Walker {
	return &Walker{starts: starts, opts: o, table: newDirTable()}
}

// Close lets go of the directories. Files that are open are not affected, but no
// others can be opened any more.
func (w *Walker) Close() error {
	w.table.close()
	return nil
}

// Walk implements tree.Source. It is called once. The names in a directory come
// in ascending order of their bytes.
func (w *Walker) Walk(ctx context.Context, yield func(tree.Entry) error, problem func(tree.Problem)) error {
	if !w.began.CompareAndSwap(false, true) {
		return fault.New(fault.Internal, "looking for files", errors.New("that was done before"), "")
	}
	rules, err := filter.Compile(w.opts.Filter)
	if err != nil {
		return err
	}
	if w.opts.Files != nil && len(w.starts) != 1 {
		return fault.New(fault.Usage, "reading the list of files", errors.New("there is more than one source, and the list is relative to one"),
			"name the one directory that the listed files are in")
	}
	alive := func() error { return ended(ctx, "looking for files") }
	r := &walk{
		opts: w.opts, rules: rules, table: w.table, recent: &w.recent, alive: alive, problem: problem,
		linked: linkTable{}, owners: newOwnerNames(w.opts),
	}
	if overlap(w.starts) {
		r.tops = names{}
	}
	r.yield = func(e tree.Entry) error {
		if err := alive(); err != nil {
			return err
		}
		return yield(e)
	}
	for _, s := range w.starts {
		if err := r.start(s); err != nil {
			return err
		}
	}
	return nil
}

// walk is a Walk under way.
type walk struct {
	opts    tree.WalkOptions
	rules   *filter.Set
	table   *dirTable
	recent  *recentFiles
	last    int64 // number of the last entry
	yield   func(tree.Entry) error
	problem func(tree.Problem)
	alive   func() error // says why no more is wanted
	linked  linkTable
	owners  *ownerNames
	tops    names // of what lies where the copy lands; nil unless starts overlap
}

// level is a directory in which the walk is.
type level struct {
	id            int64  // in the table; below zero: no entry stands for it
	path          string // in what is copied; empty at the top
	depth         int    // components of that
	up            *level
	names         names // that have come in it; nil if nobody else comes here
	device, inode uint64
}

// parent is what entries in the directory have for their parent.
func (l *level) parent() int64 { return max(l.id, 0) }

// join returns the path of a leaf in the directory.
func (l *level) join(leaf string) string {
	if l.path == "" {
		return leaf
	}
	return l.path + "/" + leaf
}

// reaches fails where a leaf in the directory lies deeper than any copy goes.
func (l *level) reaches(leaf string) error {
	if err := tree.CheckDepth(l.depth+1, tree.PathLen(len(l.path), leaf)); err != nil {
		return fault.New(fault.Limit, "", err, tree.DepthFix)
	}
	return nil
}

// fail tells of something that is left out.
func (r *walk) fail(path string, err error) {
	f, ok := fault.As(err)
	if !ok {
		f = fault.New(fault.Internal, "reading "+shown(path), err, "")
	}
	r.problem(tree.Problem{Path: path, Fault: f})
}
