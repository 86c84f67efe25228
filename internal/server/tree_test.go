package server_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rdmacp/rdmacp/internal/client"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// plant makes a tree: many small files, a large one, links and empty directories.
func plant(t *testing.T, dir string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(dir, "a", "b \xff", "empty"), 0o755))
	for i := range 300 {
		must(t, os.WriteFile(filepath.Join(dir, "a", fmt.Sprint(i)), noise(i), 0o644))
	}
	must(t, os.WriteFile(filepath.Join(dir, "a", "b \xff", "large"), noise(50*chunk+1), 0o600))
	must(t, os.Symlink("../a/1", filepath.Join(dir, "a", "link")))
	must(t, os.WriteFile(filepath.Join(dir, "z"), nil, 0o400))
}

// survey returns what is in a directory, path by path.
func survey(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		content := ""
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			content, err = os.Readlink(path)
		case e.Type().IsRegular():
			var b []byte
			b, err = os.ReadFile(path)
			content = info.ModTime().String() + string(b)
		}
		found[strings.TrimPrefix(path, dir)] = info.Mode().String() + " " + content
		return err
	}))
	return found
}

// alike checks that two directories hold the same.
func alike(t *testing.T, a, b string) {
	t.Helper()
	in, out := survey(t, a), survey(t, b)
	if !maps.Equal(in, out) {
		t.Errorf("%s holds %d things, %s %d or others: %q", a, len(in), b, len(out), slices.Sorted(maps.Keys(out)))
	}
}

// A whole tree goes there and comes back, in few messages, and a second run
// finds nothing to do.
func TestTree(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	from, back := t.TempDir(), t.TempDir()
	plant(t, from)
	j := job(nil)
	j.Naming = tree.Contents
	j.Walk.Owner, j.Walk.Group, j.Walk.HardLinks, j.Walk.Xattrs = true, true, true, true
	s := d.dial(t, transport.Put)
	for run := range 2 {
		r, err := putTree(t.Context(), t, s, from+"/", to("tree"), j)
		must(t, err)
		alike(t, filepath.Join(from, "a"), filepath.Join(d.dir, "tree", "a"))
		if r.Path != filepath.Join(d.dir, "tree") || r.Entries != 307 || r.Files != int64(302*(1-run)) || r.Chunks > 80 {
			t.Errorf("run %d reported %+v", run, r)
		}
	}
	g := d.dial(t, transport.Get)
	for run := range 2 {
		r, err := getTree(t.Context(), t, g, back, j, to("tree/"))
		must(t, err)
		alike(t, filepath.Join(from, "a"), filepath.Join(back, "a"))
		if r.Entries != 307 || r.Files != int64(302*(1-run)) {
			t.Errorf("run %d reported %+v", run, r)
		}
	}
}

// A get takes several targets, wildcards among them; a name with a wildcard in it
// that is there is that name.
func TestWildcards(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	for _, name := range []string{"a1", "a2", "b1", "[x]", "x", "sub/c"} {
		must(t, os.WriteFile(filepath.Join(d.dir, name), noise(10), 0o600))
	}
	s := d.dial(t, transport.Get)
	for _, tt := range []struct {
		from []client.Target
		want []string
	}{
		{[]client.Target{to("a?")}, []string{"a1", "a2"}},
		{[]client.Target{{Path: d.dir + "/[ab]1"}}, []string{"a1", "b1"}},
		{[]client.Target{to("[x]")}, []string{"[x]"}},
		{[]client.Target{to("b1"), to("s*"), to("a*")}, []string{"a1", "a2", "b1", "sub"}},
		{[]client.Target{to("s*/")}, []string{"c"}},
		{[]client.Target{{Export: "data"}}, []string{"[x]", "a1", "a2", "b1", "sub", "x"}},
	} {
		j, local := job(nil), t.TempDir()
		j.Naming = tree.Contents // it is none other for what has no name
		_, err := getTree(t.Context(), t, s, local, j, tt.from...)
		must(t, err)
		lists(t, local, tt.want...)
	}
}

// Where nothing is changed, a read-only export may be the target of a put.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	must(t, os.WriteFile(filepath.Join(d.ro, "x"), noise(3*chunk), 0o600))
	s := d.dial(t, transport.Put)
	target := client.Target{Export: "ro", Path: "x"}
	dry, verify := job(nil), job(nil)
	dry.Land.DryRun, verify.Land.Verify = true, true
	r, err := putTree(t.Context(), t, s, sourceFile(t, noise(2*chunk)), target, dry)
	must(t, err)
	if r.Bytes != 0 || r.Problems != 0 {
		t.Errorf("a dry run reported %+v", r)
	}
	same := filepath.Join(t.TempDir(), "base")
	must(t, os.WriteFile(same, noise(3*chunk), 0o600))
	r, err = putTree(t.Context(), t, s, same, target, verify)
	must(t, err)
	if r.Kept != 3*chunk || r.Bytes != 0 {
		t.Errorf("verifying the same reported %+v", r)
	}
	must(t, os.WriteFile(same, make([]byte, 3*chunk), 0o600))
	if _, err = putTree(t.Context(), t, s, same, target, verify); err == nil {
		t.Error("verifying others finds nothing")
	}
	holds(t, filepath.Join(d.ro, "x"), noise(3*chunk))

	g, j := d.dial(t, transport.Get), job(nil)
	j.Engine.Remove = true
	_, err = getTree(t.Context(), t, g, filepath.Join(t.TempDir(), "x"), j, target)
	failsWith(t, err, fault.ReadOnly)
	holds(t, filepath.Join(d.ro, "x"), noise(3*chunk))
}

// Sources are removed once they are copied, at whichever end they are, but not by
// a run that is to change nothing.
func TestRemoveSources(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	s, g := d.dial(t, transport.Put), d.dial(t, transport.Get)
	j := job(nil)
	j.Engine.Remove = true
	src := sourceFile(t, noise(10))
	_, err := putTree(t.Context(), t, s, src, to("x"), j)
	must(t, err)
	lists(t, filepath.Dir(src))
	local := filepath.Join(t.TempDir(), "x")
	dry := j
	dry.Land.DryRun = true
	_, err = getTree(t.Context(), t, g, local, dry, to("x"))
	must(t, err)
	lists(t, d.dir, "sub", "x")
	_, err = getTree(t.Context(), t, g, local, j, to("x"))
	must(t, err)
	lists(t, d.dir, "sub")
	// A dry run of what is there already.
	must(t, os.WriteFile(filepath.Join(d.dir, "x"), noise(10), 0o600))
	must(t, os.Chtimes(filepath.Join(d.dir, "x"), stamp, stamp))
	_, err = getTree(t.Context(), t, g, local, dry, to("x"))
	must(t, err)
	lists(t, d.dir, "sub", "x")
}

// Of two sources that have a file of one name, the one that was copied is removed,
// and the other stays.
func TestRemoveOverlappingSources(t *testing.T) {
	t.Parallel()
	d := start(t, memory.Faults{})
	from := t.TempDir()
	for _, name := range []string{"a/x", "a/only", "b/x"} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(from, name)), 0o700))
		must(t, os.WriteFile(filepath.Join(from, name), []byte(name), 0o600))
	}
	j := job(nil)
	j.Naming, j.Several, j.Engine.Remove = tree.Contents, true, true
	src := storage.NewWalker([]storage.Start{{Path: from + "/a/"}, {Path: from + "/b/"}}, j.Walk)
	defer func() { must(t, src.Close()) }()
	_, err := d.dial(t, transport.Put).Put(t.Context(), src, to("tree"), j)
	must(t, err)
	holds(t, filepath.Join(d.dir, "tree", "x"), []byte("a/x"))
	holds(t, filepath.Join(from, "b", "x"), []byte("b/x"))
	lists(t, filepath.Join(from, "a"))
}

// A source that is the destination, too, as where both hosts mount one file system,
// is the only copy: it stays.
func TestRemoveOnlyCopy(t *testing.T) {
	t.Parallel()
	for _, how := range []tree.LandOptions{{Times: true}, {Times: true, IgnoreTimes: true}, {Times: true, Checksum: true}, {Times: true, Delta: true, IgnoreTimes: true}} {
		d := start(t, memory.Faults{})
		must(t, os.Mkdir(filepath.Join(d.dir, "a"), 0o700))
		must(t, os.WriteFile(filepath.Join(d.dir, "a", "x"), []byte("x"), 0o600))
		link := filepath.Join(t.TempDir(), "mount")
		must(t, os.Symlink(d.dir, link))
		for _, remove := range []bool{false, true} {
			j := job(nil)
			j.Naming, j.Engine.Remove, j.Land = tree.Contents, remove, how
			j.Land.Durable = remove
			src := storage.NewWalker([]storage.Start{{Path: link + "/a/"}}, j.Walk)
			r, err := d.dial(t, transport.Put).Put(t.Context(), src, to("a"), j)
			must(t, err)
			must(t, src.Close())
			if told := r.Problems > 0; told != remove || r.Files != 0 {
				t.Errorf("%+v, removing %v: %+v", how, remove, r.Report)
			}
			holds(t, filepath.Join(d.dir, "a", "x"), []byte("x"))
		}
	}
}

// Each file that cannot be copied is a problem of its own at both ends; the log
// names the first twenty and counts all.
func TestProblemsAreLogged(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	d := start(t, memory.Faults{}, func(c *server.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	from := t.TempDir()
	for i := range 50 {
		name := fmt.Sprintf("n%d", i)
		must(t, os.WriteFile(filepath.Join(from, name), noise(i), 0o600))
		must(t, os.Mkdir(filepath.Join(d.dir, name), 0o700)) // in the way
	}
	must(t, os.WriteFile(filepath.Join(from, "ok"), noise(9), 0o600))
	src := storage.NewWalker([]storage.Start{{Path: from + "/"}}, job(nil).Walk)
	defer func() { must(t, src.Close()) }()
	var w witness
	j := job(nil)
	j.Naming = tree.Contents
	r, err := d.dial(t, transport.Put).Put(t.Context(), src, to(""), w.watch(j))
	must(t, err)
	if f := failsWith(t, w.why(nil), fault.NotRegular); f.Host != "there" || r.Problems != 50 || r.Files != 1 {
		t.Errorf("host %q, reported %+v", f.Host, r)
	}
	if n := strings.Count(log.String(), "not copied"); n != 20 || !strings.Contains(log.String(), "problems=50") {
		t.Errorf("%d problems in the log:\n%s", n, log.String())
	}
}

// syncBuffer is a log's end.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
