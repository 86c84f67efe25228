package storage

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

var (
	_ tree.Sink    = (*Store)(nil)
	_ tree.Landing = (*landing)(nil)
)

// plain are the options of a plain copy: everything is sent, modes and times are
// kept.
func plain() tree.LandOptions {
	return tree.LandOptions{Perms: true, Times: true, IgnoreTimes: true, MaxDelete: -1}
}

// archive are the options of a copy of trees.
func archive() tree.LandOptions {
	return tree.LandOptions{Perms: true, Times: true, MaxDelete: -1}
}

// thing is an entry with its bytes.
type thing struct {
	tree.Entry
	text string
}

// trees makes entries, numbered in their order. The parent of each is the directory
// that its path says; names at the top have none.
type trees struct {
	things []thing
	ids    map[string]int64
}

func (ts *trees) add(path string, e tree.Entry, text string) *thing {
	if ts.ids == nil {
		ts.ids = map[string]int64{}
	}
	e.ID = int64(len(ts.things)) + 1
	e.Name = filepath.Base(path)
	e.Parent = ts.ids[filepath.Dir(path)]
	ts.ids[path] = e.ID
	ts.things = append(ts.things, thing{e, text})
	return &ts.things[len(ts.things)-1]
}

func (ts *trees) file(path, text string) *thing {
	return ts.add(path, tree.Entry{Kind: tree.File, Meta: tree.Meta{
		Size: int64(len(text)), Mode: 0o640, ModTime: stamp, Device: 1, Inode: uint64(len(ts.things)) + 1,
	}}, text)
}

func (ts *trees) dir(path string) *thing {
	return ts.add(path, tree.Entry{Kind: tree.Dir, Meta: tree.Meta{Mode: 0o755, ModTime: stamp}}, "")
}

func (ts *trees) symlink(path, to string) *thing {
	return ts.add(path, tree.Entry{Kind: tree.Symlink, Link: to, Meta: tree.Meta{Mode: 0o777, ModTime: stamp}}, "")
}

func (ts *trees) hardlink(path, first string) *thing {
	ts.things[ts.ids[first]-1].Linked = true
	return ts.add(path, tree.Entry{Kind: tree.Hardlink, First: ts.ids[first]}, "")
}

// outcome is what came of a copy.
type outcome struct {
	verdicts map[string]tree.Verdict // by name
	errs     map[string]error        // of commits, by name
	problems []tree.Problem
	removed  []string
	sent     int64 // bytes
	err      error // of Finish
}

// failed returns the first error of any kind.
func (o *outcome) failed() error {
	for _, v := range o.verdicts {
		if v.Fault != nil {
			return v.Fault
		}
	}
	for _, err := range o.errs {
		if err != nil {
			return err
		}
	}
	for _, p := range o.problems {
		return p.Fault
	}
	return o.err
}

// piece is in what pieces files are sent, in bytes.
const piece = 16

// send sends all of ts to s, as the engine does it: small batches of files are
// committed together.
func (ts *trees) send(ctx context.Context, s *Store) *outcome {
	o := &outcome{verdicts: map[string]tree.Verdict{}, errs: map[string]error{}}
	var batch []tree.Landing
	var names []string
	commit := func() {
		for i, err := range s.Commit(ctx, batch) {
			o.errs[names[i]] = err
		}
		batch, names = nil, nil
	}
	for _, th := range ts.things {
		v := s.Add(ctx, th.Entry)
		o.verdicts[th.Name] = v
		if v.Answer != tree.Want {
			continue
		}
		l, err := s.Open(th.Entry, v)
		if err != nil && l != nil {
			panic(fmt.Sprintf("there is a Landing beside %v", err)) // who closes it would find nothing there
		}
		if err == nil {
			err = th.send(l, v, &o.sent)
			if err != nil {
				_ = l.Close(false)
			}
		}
		if err != nil {
			o.errs[th.Name] = err
			continue
		}
		batch, names = append(batch, l), append(names, th.Name)
		if len(batch) == 100 {
			commit()
		}
	}
	commit()
	clean := o.failed() == nil
	o.err = s.Finish(ctx, clean, tree.Notes{
		Problem: func(p tree.Problem) { o.problems = append(o.problems, p) },
		Removed: func(path string) { o.removed = append(o.removed, path) },
	})
	return o
}

// send sends what is wanted of one file.
func (th *thing) send(l tree.Landing, v tree.Verdict, sent *int64) error {
	ranges := v.Ranges
	if th.Meta.Size == tree.Streamed {
		ranges = []tree.Range{{Off: 0, Len: int64(len(th.text))}}
	}
	for _, r := range ranges {
		for r.Len > 0 {
			part := tree.Range{Off: r.Off, Len: min(piece, r.Len)}
			b := []byte(th.text[part.Off:part.End()])
			if err := th.sendPart(l, v, part, b, sent); err != nil {
				return err
			}
			r.Off += part.Len
			r.Len -= part.Len
		}
	}
	l.Sealed(tree.Seal{ID: th.ID, Size: int64(len(th.text))})
	return nil
}

func (th *thing) sendPart(l tree.Landing, v tree.Verdict, r tree.Range, b []byte, sent *int64) error {
	d := transport.Sum(b)
	if v.Compare {
		if old, ok := l.Old(r); ok && old == d {
			l.Keep(r)
			quiet(l)
			return nil
		}
	}
	*sent += r.Len
	if _, err := l.WriteAt(b, r.Off); err != nil {
		return err
	}
	l.Landed(r, d)
	quiet(l)
	return nil
}

// quiet waits until nothing is being recorded, so that steps come in one order.
func quiet(l tree.Landing) {
	if l, ok := l.(*landing); ok && l.journal != nil {
		l.journal.flushes.Wait()
	}
}

// landAt sends ts to a path of this host.
func (ts *trees) landAt(t *testing.T, path string, n tree.Naming, o tree.LandOptions) *outcome {
	t.Helper()
	s, err := Land(path, n, false, o)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	return ts.send(t.Context(), s)
}

func closeStore(t *testing.T, s *Store) {
	t.Helper()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// wantTree compares a directory with what is said of it: path to content; a
// directory ends in a slash, and a symbolic link is "-> " and what it says.
func wantTree(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		switch {
		case d.IsDir():
			got[rel+"/"] = ""
		case d.Type() == fs.ModeSymlink:
			to, err := os.Readlink(path)
			got[rel] = "-> " + to
			return err
		case d.Type().IsRegular():
			b, err := os.ReadFile(path)
			got[rel] = string(b)
			return err
		default:
			got[rel] = kind(d.Type())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for path, text := range want {
		if g, ok := got[path]; !ok || g != text {
			t.Errorf("%s: %v, holds %q, want %q", path, ok, brief(g), brief(text))
		}
	}
	for path := range got {
		if _, ok := want[path]; !ok {
			t.Errorf("there is %s, too", path)
		}
	}
}

func brief(s string) string {
	if len(s) > 100 {
		return s[:100] + "..."
	}
	return s
}

func noFault(t *testing.T, o *outcome) {
	t.Helper()
	if err := o.failed(); err != nil {
		t.Errorf("failed: %v", err)
	}
}

var long = strings.Repeat("what a long file holds, ", 100)

// contextEnding ends when it has been asked for its end that many times.
func contextEnding(t *testing.T, times int) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	return &countdown{ctx, cancel, times}, cancel
}

type countdown struct {
	context.Context //nolint:containedctx // it is one
	cancel          context.CancelFunc
	left            int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		c.cancel()
	}
	return c.Context.Err()
}
