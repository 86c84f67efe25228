package client

import (
	"fmt"
	"path"
	"strings"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/filter"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// asked is what a get has asked for. The names that come are the daemon's, and so is the
// choice among them, for all that this end sees: without a look at each, whoever asks for
// one file gets a .bashrc, too.
//
// It holds directories only, and those only where it depends on them what may be in one.
type asked struct {
	walk     tree.WalkOptions
	rules    *filter.Set
	names    map[string]bool // of what lies where the copy lands
	globs    []string        // what these match lies there, too
	contents bool            // what is in a directory was asked for: that has no name
	dirs     map[int64]room  // by entry; at 0, where the copy lands
	paths    tree.Paths      // as the rules have them
}

// room is a directory that something may be in.
type room struct {
	list *listed // what of it was asked for; nil: all
}

// newAsked is what targets and options ask for.
func newAsked(from []Target, o tree.WalkOptions) (*asked, error) {
	rules, err := filter.Compile(o.Filter)
	if err != nil {
		return nil, err
	}
	a := &asked{walk: o, rules: rules, names: map[string]bool{}, dirs: map[int64]room{}}
	if o.Files != nil {
		list := newListed(o.Files)
		a.contents = list.itself
		a.dirs[0] = room{list: list}
		return a, nil
	}
	a.dirs[0] = room{}
	for _, t := range from {
		a.target(t)
	}
	return a, nil
}

// target adds one. A daemon knows by itself which absolute path is that of an export, of
// which there is nothing but what is in it.
func (a *asked) target(t Target) {
	leaf := path.Base(path.Clean("/" + t.Path))
	inside := strings.HasSuffix(t.Path, "/") || strings.HasSuffix(t.Path, "/.") || leaf == "/"
	a.contents = a.contents || inside || t.Export == ""
	if inside {
		return
	}
	a.names[leaf] = true
	if strings.ContainsAny(t.Path, "*?[") { // a backslash alone is a name's own
		a.globs = append(a.globs, leaf)
	}
}

// check fails where an entry was not asked for. They come in their order, each once.
func (a *asked) check(e tree.Entry) *fault.Error {
	in, there := a.dirs[e.Parent]
	if !there && a.narrow() {
		return refused(e.Name, e.Kind, "the directory that it is in was not sent")
	}
	var sub room
	path := e.Name
	if a.narrow() {
		path = a.paths.Of(e).String()
	}
	why := a.kind(e.Kind)
	if why == "" {
		why = a.place(e, path, in, &sub)
	}
	if why != "" {
		return refused(path, e.Kind, why)
	}
	if e.Kind == tree.Dir && a.narrow() {
		a.dirs[e.ID] = sub
	}
	return nil
}

// narrow reports whether something of what is in a directory may not have been asked for.
func (a *asked) narrow() bool { return a.walk.Files != nil || len(a.walk.Filter) > 0 }

// kind says why nothing of a kind was asked for, if so.
func (a *asked) kind(k tree.Kind) string {
	var ok bool
	switch k {
	case tree.File, tree.Dir:
		ok = true
	case tree.Symlink:
		ok = a.walk.Links
	case tree.Hardlink:
		ok = a.walk.HardLinks
	case tree.FIFO, tree.Socket:
		ok = a.walk.Specials
	case tree.CharDevice, tree.BlockDevice:
		ok = a.walk.Devices
	}
	if ok {
		return ""
	}
	return "nothing of that kind was asked for"
}

// place says why nothing of an entry's name was asked for in a room, if so. What then may
// be in it, it notes in sub.
func (a *asked) place(e tree.Entry, path string, in room, sub *room) string {
	switch {
	case e.Parent == 0 && e.Name == "":
		if !a.contents || !a.walk.Recursive && a.walk.Files == nil {
			return "what is in a directory was not asked for"
		}
		if !a.walk.Recursive {
			sub.list = in.list // else all was listed with the directory
		}
		return ""
	case in.list != nil:
		l := in.list.in[e.Name]
		if l == nil || e.Parent == 0 && a.contents || !l.itself && e.Kind != tree.Dir {
			return "it is not on the list of files"
		}
		if sub.list = l; l.itself && a.walk.Recursive {
			sub.list = nil
		}
		return "" // what is listed is not left out by any rule
	case !a.walk.Recursive && (e.Parent != 0 || e.Kind == tree.Dir):
		return "directories, and what is in them, were not asked for"
	case e.Parent == 0 && !a.names[e.Name] && !a.matches(e.Name):
		return "nothing of that name was asked for"
	case a.narrow() && a.rules.Excluded(path, e.Kind == tree.Dir):
		return "it is excluded"
	}
	return ""
}

func (a *asked) matches(name string) bool {
	for _, glob := range a.globs {
		if filter.Match(glob, name) {
			return true
		}
	}
	return false
}

// refused is the fault of a daemon that sends what it was not asked for.
func refused(name string, k tree.Kind, why string) *fault.Error {
	return fault.New(fault.Protocol, "the daemon sends what was not asked for", fmt.Errorf("%s %.256q: %s", k, name, why),
		"nothing was made of it; find out what runs there before you copy from that host again")
}

// listed are the paths of a list of files below one directory.
type listed struct {
	itself bool // that directory is on the list
	in     map[string]*listed
}

// newListed reads a list as the daemon does, which tells of those that are impossible.
func newListed(files []string) *listed {
	top := &listed{}
	for _, f := range files {
		if f == "" {
			continue
		}
		at := top
		if f = path.Clean(f); f == "." {
			at.itself = true
			continue
		}
		for name := range strings.SplitSeq(f, "/") {
			if at.in[name] == nil {
				if at.in == nil {
					at.in = map[string]*listed{}
				}
				at.in[name] = &listed{}
			}
			at = at.in[name]
		}
		at.itself = true
	}
	return top
}
