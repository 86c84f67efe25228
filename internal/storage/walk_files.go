package storage

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// listed walks what is listed of the directory at p.
func (r *walk) listed(s Start, p string) error {
	if slices.ContainsFunc(r.opts.Files, func(f string) bool { return f != "" && path.Clean(f) == "." }) {
		return r.contents(s, p)
	}
	id := r.table.start(s.Dir, p)
	h, err := r.table.hold(id)
	if err != nil {
		r.fail(s.Path, wrapRooted("reading "+shownStart(s.Dir, p), err))
		return nil
	}
	h.release()
	return r.files(&level{id: id}, r.relative(s.Path))
}

// relative returns the listed paths in the order in which they are walked, each
// once, and tells of those that cannot be.
func (r *walk) relative(start string) []string {
	list := make([]string, 0, len(r.opts.Files))
	for _, f := range r.opts.Files {
		name := path.Clean(f)
		if name == "." && f != "" {
			continue
		}
		if f == "" {
			name = f
		}
		if err := checkListed(f, name); err != nil {
			r.fail(f, fault.New(fault.Usage, "reading "+shown(clip(f))+" in the list of files", err,
				"list paths below "+shown(start)+", one a line, without .. in them"))
			continue
		}
		list = append(list, name)
	}
	slices.SortFunc(list, inTree)
	return slices.Compact(list)
}

func checkListed(listed, clean string) error {
	if slices.Contains(strings.Split(listed, "/"), "..") {
		return errors.New("it has .. as a component")
	}
	return checkName(clean)
}

// inTree compares paths in the order of a walk: what is in a directory comes right
// behind it.
func inTree(a, b string) int {
	for i := range min(len(a), len(b)) {
		x, y := a[i], b[i]
		switch {
		case x == y:
		case x == '/':
			return -1
		case y == '/':
			return 1
		default:
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}

// files visits the listed paths below a directory, and the directories on the way
// to them.
func (r *walk) files(in *level, list []string) error {
	for len(list) > 0 {
		leaf, _, _ := strings.Cut(list[0], "/")
		want := wish{named: true, listed: true}
		n := 0
		for ; n < len(list); n++ {
			first, rest, deeper := strings.Cut(list[n], "/")
			if first != leaf {
				break
			}
			if deeper {
				want.below = append(want.below, rest)
			} else {
				want.itself = true
			}
		}
		list = list[n:]
		want.all = want.itself && r.opts.Recursive
		if err := r.visit(in, leaf, want); err != nil {
			return err
		}
	}
	return nil
}
