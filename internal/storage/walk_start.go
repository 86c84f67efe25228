package storage

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// start walks from one start.
func (r *walk) start(s Start) error {
	p, contents, err := startPath(s)
	switch {
	case err != nil:
		r.fail(s.Path, err)
		return nil
	case r.opts.Files != nil:
		return r.listed(s, p)
	case contents:
		return r.contents(s, p)
	}
	above, leaf := ".", p
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		above, leaf = p[:i+1], p[i+1:]
	}
	if s.Dir != nil {
		above = strings.TrimSuffix(above, "/")
	}
	return r.visit(&level{id: r.table.start(s.Dir, above), names: r.tops}, leaf, wish{named: true, all: true, noLink: s.NoLink})
}

// startPath returns a start's path without slashes at its end, and whether what is
// in the directory is meant.
func startPath(s Start) (p string, contents bool, err error) {
	p = s.Path
	if s.Dir == nil {
		p = filepath.ToSlash(p)
	}
	if p == "" {
		return "", false, fault.New(fault.Usage, "reading the source", errors.New("its path is empty"), "name a file or a directory")
	}
	trimmed := strings.TrimRight(p, "/")
	contents = trimmed != p
	if s.Dir != nil {
		if trimmed == "" || trimmed == "." {
			return ".", true, nil
		}
		return trimmed, contents, ValidName(trimmed)
	}
	if trimmed == "" {
		return "/", true, nil
	}
	leaf := trimmed[strings.LastIndexByte(trimmed, '/')+1:]
	return trimmed, contents || leaf == "." || leaf == "..", nil
}

// contents walks what is in the directory at p.
func (r *walk) contents(s Start, p string) error {
	what := "reading " + shownStart(s.Dir, p)
	w, err := openWalkDir(s.Dir, p, false)
	if err != nil {
		r.fail(s.Path, wrapRooted(what, err))
		return nil
	}
	f := found{sub: w}
	if f.status, err = w.self(); err == nil {
		f.xattrs, err = w.xattrs("", true, r.opts)
	}
	if err == nil && !r.opts.Recursive && r.opts.Files == nil {
		err = errDirectory
	}
	if err != nil {
		_ = w.close() // nothing was written to it
		r.fail(s.Path, r.wrap(what, err))
		return nil
	}
	at := spot{name: p, dir: s.Dir}
	var above *level
	name := s.Name
	if r.opts.Files != nil {
		name = "" // what is listed is in a directory that stands for its contents
	}
	if name != "" {
		if r.rules.Excluded(name, true) {
			return w.close()
		}
		above = &level{id: r.table.start(s.Dir, "."), names: r.tops}
	}
	in, err := r.enter(above, name, at, &f)
	if err != nil || in == nil {
		return err
	}
	if !r.opts.Recursive {
		return r.files(in, r.relative(s.Path))
	}
	return r.children(in)
}

func shownStart(d *Dir, p string) string {
	if d != nil {
		return d.shown(p)
	}
	return shown(p)
}
