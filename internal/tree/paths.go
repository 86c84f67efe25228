package tree

import (
	"cmp"
	"strings"
)

// Paths finds an entry's path from the directories that came before. It holds
// directories only, and of each its name: whoever nests them deeply, with long names,
// shall not have us hold the square of what they send.
type Paths struct {
	dirs map[int64]*dir
}

// dir is a directory that came.
type dir struct {
	up   *dir // nil: where the copy lands
	leaf string
	size int // bytes of its path
}

// Path is the path of an entry, relative to where the copy lands, as long as nobody
// wants to read it.
type Path struct {
	in   *dir // nil: where the copy lands
	leaf string
}

// Of returns the path of e. If e is a directory, it is remembered.
func (p *Paths) Of(e Entry) Path {
	path := Path{in: p.dirs[e.Parent], leaf: e.Name}
	if e.Kind == Dir {
		if p.dirs == nil {
			p.dirs = map[int64]*dir{}
		}
		p.dirs[e.ID] = path.dir()
	}
	return path
}

func (p Path) dir() *dir {
	if p.in == nil && p.leaf == "" {
		return nil
	}
	return &dir{up: p.in, leaf: p.leaf, size: PathLen(p.in.len(), p.leaf)}
}

func (d *dir) len() int {
	if d == nil {
		return 0
	}
	return d.size
}

// String is the path, "." where the copy lands. Of one that is longer than any that is
// copied it is the end, behind dots.
func (p Path) String() string {
	if p.in == nil {
		return cmp.Or(p.leaf, ".")
	}
	size := PathLen(p.in.size, p.leaf)
	if size > MaxPath {
		return p.end()
	}
	var b strings.Builder
	b.Grow(size)
	p.in.write(&b)
	b.WriteString(p.leaf)
	return b.String()
}

// write writes the path with a slash behind it.
func (d *dir) write(b *strings.Builder) {
	if d.up != nil {
		d.up.write(b)
	}
	b.WriteString(d.leaf)
	b.WriteByte('/')
}

// end is what a person needs of a path that is too long.
func (p Path) end() string {
	const enough = 1000
	path := p.leaf
	for d := p.in; d != nil && len(path) < enough; d = d.up {
		path = d.leaf + "/" + path
	}
	return ".../" + path
}
