package server

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/wire"
)

// Export is a directory that clients may reach.
type Export struct {
	Name     string
	Path     string // absolute, or relative to the working directory
	ReadOnly bool
	Rights
}

// export is an open export: everything below it is resolved beneath dir.
type export struct {
	Export
	dir *storage.Dir // nil for Own

	// What of it a token is for: Path and dir are those of under, which lies in above, and
	// the only name in it is only; empty: there are others.
	given              bool
	above, under, only string
}

type exports []*export

// openExports opens the directories, so that a wrong one is an error at start.
func openExports(configs []Export) (es exports, err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, es.close())
		}
	}()
	for _, c := range configs {
		if c.own() {
			es = append(es, &export{Export: c})
			continue
		}
		if c.Path, err = filepath.Abs(c.Path); err != nil {
			return es, err
		}
		dir, err := storage.OpenDir(c.Path)
		if err != nil {
			return es, fmt.Errorf("export %q: %w", c.Name, err)
		}
		es = append(es, &export{Export: c, dir: dir})
	}
	return es, es.checkNested()
}

// close closes the directories.
func (es exports) close() error {
	var errs []error
	for _, e := range es {
		if e.dir != nil {
			errs = append(errs, e.dir.Close())
		}
	}
	return errors.Join(errs...)
}

// place is where a target lies: a name beneath an export.
type place struct {
	*export
	name string // relative to the export; "." is the export itself

	// contents says that there was a slash at the end: what is in the directory
	// is meant.
	contents bool
}

// resolve finds the export that t lies in, without looking at the file system:
// by name, or the innermost one above an absolute path. Who may not even read it hears so.
func (es exports) resolve(t wire.Target, who []string) (place, error) {
	p, err := es.find(t, who)
	if err != nil {
		return p, err
	}
	if !p.mayRead(who) {
		return p, p.denied("reaching "+p.abs(), who)
	}
	if p.dir == nil || p.given { // what is given was looked at
		return p, nil
	}
	return p, p.dir.InPlace()
}

// find finds the export that t lies in.
func (es exports) find(t wire.Target, who []string) (place, error) {
	if t.Export != "" {
		for _, e := range es {
			if e.Name == t.Export {
				name, err := e.scoped(relative(t.Path))
				return place{e, name, slashed(t.Path)}, err
			}
		}
		if len(es) == 1 && es[0].given {
			return place{}, es[0].beyond(path.Join(t.Export, t.Path))
		}
		return place{}, es.notExport(fmt.Sprintf("finding export %q", t.Export), who)
	}
	clean := path.Clean(t.Path)
	var best place
	for _, e := range es {
		rel, ok := beneath(clean, e.Path)
		if ok && (best.export == nil || len(e.Path) > len(best.Path)) {
			best = place{e, relative(rel), slashed(t.Path)}
		}
	}
	switch {
	case len(es) == 1 && es[0].given && (best.export == nil || best.only != "" && best.name != best.only):
		return place{}, es[0].beyond(clean)
	case best.export == nil:
		return place{}, es.notExport("finding an export that holds "+clean, who)
	}
	return best, nil
}

// within is the place's name beneath its export.
func (p place) within() string { return path.Join(p.under, p.name) }

// beneath returns p relative to dir, if p is dir or below it.
func beneath(p, dir string) (string, bool) {
	if p == dir {
		return "", true
	}
	return strings.CutPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

// relative makes a name beneath an export of what the client wrote. Dots that
// lead outside stay, for storage to refuse.
func relative(p string) string { return path.Clean(strings.TrimLeft(p, "/")) }

// slashed reports whether p ends in a slash, or in one and a dot, as rsync has it.
func slashed(p string) bool { return strings.HasSuffix(p, "/") || strings.HasSuffix(p, "/.") }

// notExport names what there is for this client, so that its user need not guess.
func (es exports) notExport(what string, who []string) error {
	if len(es) == 0 {
		return fault.New(fault.NotExport, what, errors.New("this daemon exports nothing"), "start rdmad with --export NAME=DIR")
	}
	names := make([]string, 0, len(es))
	for _, e := range es {
		if e.mayRead(who) {
			names = append(names, fmt.Sprintf("%s (%s)", e.Name, e.Path))
		}
	}
	if len(names) == 0 {
		return fault.New(fault.NotExport, what, errNothing, "see read and write of the exports in the daemon's configuration")
	}
	return fault.New(fault.NotExport, what, errors.New("there is none; this daemon exports "+strings.Join(names, ", ")),
		"name a path in one of them, as HOST::EXPORT/PATH or HOST:/ABSOLUTE/PATH")
}

// destination resolves the target of a put. What must not be written is refused, unless
// nothing is to be changed.
func (es exports) destination(c wire.Copy, who []string) (place, error) {
	p, err := es.resolve(c.Targets[0], who)
	if err != nil || c.Land.DryRun || c.Land.Verify {
		return p, err
	}
	return p, p.writable("writing "+p.abs(), who)
}

// sources resolves what a get names, wildcards too. It returns the first place
// for the record.
func (es exports) sources(ctx context.Context, c wire.Copy, who []string) (first place, all []storage.Start, err error) {
	for i, t := range c.Targets {
		p, err := es.resolve(t, who)
		if err != nil {
			return first, nil, err
		}
		if i == 0 {
			first = p
		}
		if c.Remove {
			if err := p.writable("removing "+p.abs()+" once it is copied", who); err != nil {
				return first, nil, err
			}
		}
		starts, err := p.expand(ctx)
		if err != nil {
			return first, nil, err
		}
		if all = append(all, starts...); len(all) > storage.MaxMatches {
			return first, nil, storage.TooMany("looking for what is to be copied")
		}
	}
	return first, all, nil
}

// expand returns where the walk of a place starts: in several places if its name
// has wildcards.
func (p place) expand(ctx context.Context) ([]storage.Start, error) {
	name := p.path()
	if p.contents && name != "/" {
		name += "/"
	}
	names, err := storage.Glob(ctx, p.dir, name)
	if err != nil {
		return nil, err
	}
	starts := make([]storage.Start, 0, len(names))
	for _, name := range names {
		s := storage.Start{Dir: p.dir, Path: name, NoLink: p.only != ""}
		if name == "." && p.given && p.under != "." && !p.contents {
			s.Name = path.Base(p.under)
		}
		starts = append(starts, s)
	}
	return starts, nil
}

// writable refuses to change what is not to be changed, or not by this client.
func (p place) writable(what string, who []string) error {
	switch {
	case !p.mayWrite(who):
		return p.denied(what, who)
	case !p.ReadOnly:
		return nil
	}
	return fault.New(fault.ReadOnly, what, fmt.Errorf("export %q is read-only", p.Name),
		"choose another export, or start rdmad without :ro (read_only in its configuration) for this one")
}
