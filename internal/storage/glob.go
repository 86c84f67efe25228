package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// MaxMatches is how many names a pattern may stand for, and each of its components on the
// way to them: who asks has written a line, and shall not make us hold millions.
const MaxMatches = 64 << 10

// Glob returns the names beneath d that name matches, in ascending order. *, ?, [..]
// and backslashes mean in its components what they mean to a shell: a dot at the
// front is matched by a dot only. A name without *, ? and [, or of which there is a
// file, is returned as it is. If there is no match, that is a fault of code
// NotFound, and one of code Limit if there are more than MaxMatches. A slash at the end
// is kept, and stands for directories. Without d, name is an absolute path of this host.
func Glob(ctx context.Context, d *Dir, name string) ([]string, error) {
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
		var err error
		if found, err = g.step(ctx, found, part, i == len(parts)-1, dirs); err != nil {
			return nil, err
		}
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

// TooMany is the fault of patterns that stand for more than MaxMatches names.
func TooMany(what string) error {
	return fault.New(fault.Limit, what, fmt.Errorf("more than %d names match", MaxMatches),
		"name the directory, with -r, and choose what of it is copied by --include and --exclude")
}

type globber struct {
	in    looker
	shown func(name string) string
	err   error // the first directory that could not be read
}

// step returns what matches part in the directories that were found.
func (g *globber) step(ctx context.Context, found []string, part string, last, dirs bool) ([]string, error) {
	var next []string
	for _, above := range found {
		var err error
		if next, err = g.expand(ctx, next, above, part, last, dirs); err != nil {
			return nil, err
		}
	}
	return next, nil
}

// expand adds to found the paths of what matches part in a directory; only directories
// where dirs says so.
func (g *globber) expand(ctx context.Context, found []string, above, part string, last, dirs bool) ([]string, error) {
	if strings.ContainsAny(part, `*?[\`) {
		return g.match(ctx, found, above, part, !last || dirs)
	}
	path := joinName(above, part)
	if !last {
		return append(found, path), nil
	}
	if err := ended(ctx, "looking into "+g.shown(above)); err != nil {
		return nil, err
	}
	look := g.in.Lstat
	if dirs {
		look = g.in.Stat
	}
	if info, err := look(path); err == nil && (!dirs || info.IsDir()) {
		found = append(found, path)
	}
	return found, nil
}

// match is expand where part is a pattern. Who has gone, or asks for too much, does not
// keep us at it: a directory may have any number of names.
func (g *globber) match(ctx context.Context, found []string, above, part string, dirs bool) ([]string, error) {
	before := len(found)
	unread, err := g.names(above, func(names []string) error {
		if err := ended(ctx, "looking into "+g.shown(above)); err != nil {
			return err
		}
		for _, name := range names {
			if !filter.Match(part, name) {
				continue
			}
			path := joinName(above, name)
			if dirs {
				if info, err := g.in.Stat(path); err != nil || !info.IsDir() {
					continue
				}
			}
			if found = append(found, path); len(found) > MaxMatches {
				return TooMany("looking into " + g.shown(above))
			}
		}
		return nil
	})
	if unread == nil || err != nil {
		return found, err
	}
	if g.err == nil && !errors.Is(unread, fs.ErrNotExist) && !noFile(unread) {
		g.err = wrapRooted("looking into "+g.shown(above), unread)
	}
	return found[:before], nil
}

// names reads a directory, some names at a time. It says why that cannot be read, and with
// what some has failed.
func (g *globber) names(path string, some func(names []string) error) (unread, failed error) {
	// The "." makes os.Root open it as a directory, so that a FIFO in its place
	// cannot block us.
	f, err := g.in.Open(joinName(path, "."))
	if err != nil {
		return err, nil
	}
	for err == nil && failed == nil {
		var names []string
		names, err = f.Readdirnames(1024)
		failed = some(names)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, f.Close()), failed
}

func joinName(above, leaf string) string {
	if above == "" {
		return leaf
	}
	return above + "/" + leaf
}
