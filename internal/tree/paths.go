package tree

// Paths finds an entry's path from the directories that came before. It holds
// directories only.
type Paths struct {
	dirs map[int64]string
}

// Of returns the path of e, relative to where the copy lands; "." there. If e is a
// directory, it is remembered.
func (p *Paths) Of(e Entry) string {
	path := e.Name
	if dir := p.dirs[e.Parent]; dir != "" && dir != "." {
		path = dir + "/" + e.Name
	}
	if path == "" {
		path = "."
	}
	if e.Kind == Dir {
		if p.dirs == nil {
			p.dirs = map[int64]string{}
		}
		p.dirs[e.ID] = path
	}
	return path
}
