package storage

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/filter"
)

// looker is where a Glob looks: beneath a Dir, or in the whole of this host.
type looker interface {
	Lstat(name string) (fs.FileInfo, error)
	Stat(name string) (fs.FileInfo, error)
	Open(name string) (*os.File, error)
}

// anywhere is this host: its names are absolute, without the slash at the front.
type anywhere struct{}

func (anywhere) Lstat(name string) (fs.FileInfo, error) { return os.Lstat("/" + name) }
func (anywhere) Stat(name string) (fs.FileInfo, error)  { return os.Stat("/" + name) }
func (anywhere) Open(name string) (*os.File, error)     { return os.Open("/" + name) }

// Glob returns the names beneath d that name matches, in ascending order. *, ?, [..]
// and backslashes mean in its components what they mean to a shell: a dot at the
// front is matched by a dot only. A name without *, ? and [, or of which there is a
// file, is returned as it is. If there is no match, that is a fault of code
// NotFound. A slash at the end is kept, and stands for directories. Without d, name is
// an absolute path of this host.
func Glob(d *Dir, name string) ([]string, error) {
	if name == "." || !strings.ContainsAny(name, "*?[") {
		return []string{name}, nil
	}
	g := globber{in: anywhere{}, shown: func(name string) string { return shown("/" + name) }}
	front, trimmed := "", strings.TrimRight(name, "/")
	dirs := trimmed != name
	if d != nil {
		g = globber{in: d.root, shown: d.shown}
	} else {
		front, trimmed = "/", strings.TrimLeft(trimmed, "/")
	}
	if err := ValidName(trimmed); err != nil {
		return nil, err
	}
	if _, err := g.in.Lstat(trimmed); err == nil {
		return []string{name}, nil
	}
	found := []string{""}
	parts := strings.Split(trimmed, "/")
	for i, part := range parts {
		var next []string
		for _, above := range found {
			next = append(next, g.expand(above, part, i == len(parts)-1, dirs)...)
		}
		found = next
	}
	if len(found) == 0 {
		if g.err != nil {
			return nil, g.err
		}
		return nil, fault.New(fault.NotFound, "looking for "+g.shown(trimmed), errors.New("no file matches"),
			"check the pattern; quote it if the local shell shall leave it alone")
	}
	slices.Sort(found)
	back := ""
	if dirs {
		back = "/"
	}
	for i := range found {
		found[i] = front + found[i] + back
	}
	return found, nil
}

type globber struct {
	in    looker
	shown func(name string) string
	err   error // the first directory that could not be read
}

// expand returns the paths of what matches part in a directory; only directories
// where dirs says so.
func (g *globber) expand(above, part string, last, dirs bool) []string {
	if !strings.ContainsAny(part, `*?[\`) {
		path := joinName(above, part)
		if !last {
			return []string{path}
		}
		info, err := g.in.Lstat(path)
		if err == nil && dirs {
			info, err = g.in.Stat(path)
		}
		if err != nil || dirs && !info.IsDir() {
			return nil
		}
		return []string{path}
	}
	names, err := g.names(above)
	if err != nil {
		if g.err == nil && !errors.Is(err, fs.ErrNotExist) && !noFile(err) {
			g.err = wrapRooted("looking into "+g.shown(above), err)
		}
		return nil
	}
	var found []string
	for _, name := range names {
		hidden := strings.HasPrefix(name, ".") && !strings.HasPrefix(part, ".") && !strings.HasPrefix(part, `\.`)
		if hidden || !filter.Match(part, name) {
			continue
		}
		path := joinName(above, name)
		if !last || dirs {
			if info, err := g.in.Stat(path); err != nil || !info.IsDir() {
				continue
			}
		}
		found = append(found, path)
	}
	return found
}

func (g *globber) names(path string) ([]string, error) {
	// The "." makes os.Root open it as a directory, so that a FIFO in its place
	// cannot block us.
	f, err := g.in.Open(joinName(path, "."))
	if err != nil {
		return nil, err
	}
	names, err := f.Readdirnames(-1)
	return names, errors.Join(err, f.Close())
}

func joinName(above, leaf string) string {
	if above == "" {
		return leaf
	}
	return above + "/" + leaf
}
