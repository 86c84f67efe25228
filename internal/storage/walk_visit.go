package storage

import (
	"errors"
	"slices"
	"syscall"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// wish is what is wanted of a name.
type wish struct {
	named  bool     // somebody has named it: if it is not there, that is a problem
	listed bool     // the list of files has led to it: no rule leaves it out
	itself bool     // it is on that list, and not just on the way to others
	noLink bool     // no symbolic link is followed to it
	all    bool     // a directory with all that is in it
	below  []string // a directory with these paths in it
}

// found is what stands at a name.
type found struct {
	status
	through bool     // a symbolic link to it was followed
	sub     *walkDir // a directory
	link    string   // what a symbolic link says
	data    []tree.Range
	xattrs  []tree.Xattr
}

var (
	errDirectory = errors.New("it is a directory")
	errCircle    = errors.New("symbolic links lead in a circle")
	errDangling  = errors.New("it is a symbolic link to something that is not there")
	errOurs      = errors.New("names like " + partialName("NAME") + " are for copies that are not complete")
	errSkip      = errors.New("it is left out") // nobody is told
)

// visit walks a name in a directory, and what is in it.
func (r *walk) visit(in *level, leaf string, want wish) error {
	if err := r.alive(); err != nil {
		return err
	}
	path := "" // is for the rules
	if len(r.opts.Filter) > 0 {
		path = in.join(leaf)
	}
	var f found
	err := r.find(in, leaf, path, want, &f)
	if errors.Is(err, errSkip) {
		return nil
	}
	if err != nil {
		r.miss(in, leaf, want, err)
		return nil
	}
	if f.sub == nil {
		if want.below != nil {
			r.miss(in, leaf, wish{below: want.below}, syscall.ENOTDIR)
		}
		if want.below != nil && !want.itself {
			return nil
		}
		return r.send(in, leaf, &f)
	}
	sub, err := r.enter(in, leaf, spot{parent: in.id, name: leaf, through: f.through}, &f)
	if err != nil || sub == nil {
		return err
	}
	if want.all {
		return r.children(sub)
	}
	return r.files(sub, want.below)
}

// miss tells what of a wish could not be granted.
func (r *walk) miss(in *level, leaf string, want wish, err error) {
	if want.below == nil || want.itself {
		r.fail(in.join(leaf), r.wrap("reading "+r.table.shown(in.id, leaf), err))
	}
	for _, path := range want.below {
		path = leaf + "/" + path
		r.fail(in.join(path), r.wrap("reading "+r.table.shown(in.id, path), err))
	}
}

// children visits all that is in a directory.
func (r *walk) children(in *level) error {
	h, err := r.table.hold(in.id)
	var names []string
	if err == nil {
		names, err = h.names()
		h.release()
	}
	if err != nil {
		r.fail(in.path, r.wrap("reading "+r.table.shown(in.id, ""), err))
	}
	slices.Sort(names)
	for _, leaf := range names {
		if err := r.visit(in, leaf, wish{all: true}); err != nil {
			return err
		}
	}
	return nil
}

// enter sends the entry of a directory that was found, and puts it into the table.
// It returns nil where the directory is left out.
func (r *walk) enter(in *level, leaf string, at spot, f *found) (*level, error) {
	at.device, at.inode = f.device, f.inode
	l := &level{path: leaf, up: in, device: f.device, inode: f.inode}
	if in != nil {
		l.path, l.depth = in.join(leaf), in.depth+1
	}
	var free bool
	if l.names, free = r.free(in, leaf, true); !free {
		return nil, f.sub.close()
	}
	l.id = r.last + 1
	r.table.add(l.id, at, f.sub)
	parent := int64(0)
	if in != nil {
		parent = in.parent()
	}
	return l, r.emit(tree.Entry{Parent: parent, Name: leaf, Kind: tree.Dir, Meta: r.meta(f)})
}

// send sends the entry of something that is no directory.
func (r *walk) send(in *level, leaf string, f *found) error {
	if _, free := r.free(in, leaf, false); !free {
		return nil
	}
	e := tree.Entry{Parent: in.parent(), Name: leaf, Kind: kindOf(f.mode), Meta: r.meta(f), Link: f.link, Data: f.data}
	id := r.last + 1
	if e.Kind == tree.File {
		e.Meta.Size, e.Meta.Allocated = f.size, f.allocated()
		if r.opts.HardLinks {
			e.First = r.linked.first(&f.status, id)
			e.Linked = e.First == 0 && f.links > 1
		}
	}
	if e.First != 0 {
		e.Kind, e.Data, e.Meta.Xattrs = tree.Hardlink, nil, nil
	}
	if in.id < 0 {
		r.table.top(id, in.id)
	}
	if e.Kind == tree.File {
		r.recent.put(id, &f.status)
	}
	return r.emit(e)
}

// emit numbers an entry and sends it.
func (r *walk) emit(e tree.Entry) error {
	r.last++
	e.ID = r.last
	return r.yield(e)
}
