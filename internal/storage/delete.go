package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/filter"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// deletion removes what the source has not.
type deletion struct {
	store   *Store
	notes   tree.Notes
	problem func(path string, err error)
	keep    *filter.Set
	done    int
	left    int // beyond the limit
}

// deleteOthers removes from those directories that the source has told of what it
// has not told of, the deepest first.
func (s *Store) deleteOthers(ctx context.Context, n tree.Notes, problem func(*folder, string, error)) error {
	keep, err := filter.Compile(s.opts.Keep)
	if err != nil {
		return err
	}
	d := &deletion{store: s, notes: n, keep: keep}
	for _, f := range slices.Backward(s.dirs.all) {
		if f.absent {
			continue
		}
		d.problem = func(path string, err error) { problem(f, path, err) }
		if err := d.folder(ctx, f); err != nil {
			return err
		}
	}
	if d.left > 0 {
		problem(s.base, "", fault.New(fault.Limit, "deleting below "+s.base.shown(""),
			fmt.Errorf("%d were deleted, which is the limit; %d are left", d.done, d.left), "raise --max-delete if they are to go"))
	}
	return nil
}

// folder removes what the source has not in f.
func (d *deletion) folder(ctx context.Context, f *folder) error {
	h, err := d.store.dirs.hold(f)
	if err != nil {
		d.problem("", err)
		return nil
	}
	defer d.store.dirs.drop(f)
	names, err := namesIn(h.root)
	if err != nil {
		d.problem("", wrap("listing "+f.shown(""), err))
		return nil
	}
	for _, name := range names {
		if _, has := f.names[folded(name)]; has {
			continue
		}
		if _, err := d.entry(ctx, h.root, name, f.below(d.store.base, name)); err != nil {
			return err
		}
	}
	return nil
}

// namesIn lists a directory, in order.
func namesIn(root *os.Root) ([]string, error) {
	f, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written to it
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

// entry removes one name, and first what is below. It reports whether the name is
// gone; the error is that of ctx only.
func (d *deletion) entry(ctx context.Context, root *os.Root, leaf, path string) (bool, error) {
	if err := ended(ctx, "deleting "+shown(path)); err != nil {
		return false, err
	}
	info, err := root.Lstat(leaf)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		d.problem(leaf, wrap("deleting "+shown(path), err))
		return false, nil
	}
	if d.keep.Excluded(path, info.IsDir()) {
		return false, nil // the source did not tell of it because of the same rules
	}
	if info.IsDir() {
		if err := tree.CheckDepth(strings.Count(path, "/")+1, len(path)); err != nil {
			d.problem(leaf, fault.New(fault.Limit, "deleting "+shown(leaf), err, "remove it by hand"))
			return false, nil
		}
		emptied, err := d.inside(ctx, root, leaf, path, info)
		if err != nil || !emptied {
			return false, err
		}
	} else if isPartialName(leaf) {
		unlock, free := claimLeftover(root, leaf, info)
		defer unlock()
		if !free {
			return false, nil
		}
	}
	return d.remove(root, leaf, path), nil
}

// remove removes a name, unless that is one too many.
func (d *deletion) remove(root *os.Root, leaf, path string) bool {
	if limit := d.store.opts.MaxDelete; limit >= 0 && d.done >= limit {
		d.left++
		return false
	}
	if !d.store.readOnly() {
		if err := d.store.seam.do(stepDelete, func() error { return removeAt(root, leaf) }); err != nil {
			d.problem(leaf, wrap("deleting "+shown(path), err))
			return false
		}
	}
	d.done++
	if d.notes.Removed != nil {
		d.notes.Removed(path)
	}
	return true
}

// inside removes what is in a directory, and reports whether all of it could be
// removed. It does not cross over into another file system.
func (d *deletion) inside(ctx context.Context, root *os.Root, leaf, path string, info fs.FileInfo) (bool, error) {
	what := "deleting " + shown(path)
	sub, err := root.OpenRoot(leaf)
	if err != nil {
		d.problem(leaf, wrapRooted(what, err))
		return false, nil
	}
	defer func() { _ = sub.Close() }() // nothing was written to it
	opened, err := sub.Stat(".")
	above, errAbove := root.Stat(".")
	switch {
	case err != nil || errAbove != nil:
		d.problem(leaf, wrap(what, errors.Join(err, errAbove)))
		return false, nil
	case !os.SameFile(info, opened):
		return false, nil // someone else is at work there
	case statusOf(opened).device != statusOf(above).device:
		d.problem(leaf, fault.New(fault.Permission, what, errors.New("another file system is mounted there"), "unmount it first, or leave it out"))
		return false, nil
	}
	names, err := namesIn(sub)
	if err != nil {
		d.problem(leaf, wrap(what, err))
		return false, nil
	}
	left, all := d.left, true
	for _, name := range names {
		gone, err := d.entry(ctx, sub, name, path+"/"+name)
		if err != nil {
			return false, err
		}
		all = all && gone
	}
	if d.left > left {
		d.left++ // the directory itself
	}
	return all, nil
}

// fresh is how long something half made may be in use though nothing has it
// locked.
const fresh = time.Hour

// claimLeftover reports whether no copy uses one of our own files any more, and
// keeps others from taking it up until unlock is called.
func claimLeftover(root *os.Root, leaf string, info fs.FileInfo) (unlock func(), free bool) {
	nothing := func() {}
	if strings.HasSuffix(leaf, linkSuffix) {
		return nothing, time.Since(statusOf(info).changed) > fresh
	}
	partial := strings.TrimSuffix(leaf, journalSuffix)
	if partial != leaf {
		partial += partialSuffix
	}
	f, err := openOurs(&place{root: root}, partial, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nothing, true // the journal of a file that is in place
	}
	if err != nil {
		return nothing, false
	}
	unlock = func() { _ = f.Close() } // nothing was written to it
	return unlock, lock(f) == nil
}
