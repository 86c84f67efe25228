package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// allOf is a walk that misses nothing.
var allOf = tree.WalkOptions{Recursive: true, Links: true, HardLinks: true, Devices: true, Specials: true}

// walked is what a walk has told.
type walked struct {
	*Walker
	paths    []string // in the order of the entries
	entries  map[string]tree.Entry
	problems map[string]error
}

// walkIn walks the starts, and checks what holds for every walk.
func walkIn(t *testing.T, o tree.WalkOptions, starts ...Start) *walked {
	t.Helper()
	w := &walked{Walker: NewWalker(starts, o), entries: map[string]tree.Entry{}, problems: map[string]error{}}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	var paths tree.Paths
	dirs := map[int64]bool{0: true}
	err := w.Walk(t.Context(), func(e tree.Entry) error {
		if e.ID != int64(len(w.paths)+1) || !dirs[e.Parent] || strings.Contains(e.Name, "/") {
			t.Errorf("entry out of order: %+v", e)
		}
		dirs[e.ID] = e.Kind == tree.Dir
		path := paths.Of(e).String()
		w.paths = append(w.paths, path)
		w.entries[path] = e
		return nil
	}, func(p tree.Problem) {
		if f, ok := fault.As(p.Fault); !ok || f.Code == fault.Internal {
			t.Errorf("%q: %v", p.Path, p.Fault)
		}
		w.problems[p.Path] = p.Fault
	})
	if err != nil {
		t.Error(err)
	}
	return w
}

// walkPath walks a path of this host.
func walkPath(t *testing.T, o tree.WalkOptions, paths ...string) *walked {
	t.Helper()
	var starts []Start
	for _, p := range paths {
		starts = append(starts, Start{Path: p})
	}
	return walkIn(t, o, starts...)
}

func (w *walked) wantPaths(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, w.paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

// wantProblems checks that there are problems with these paths and no others.
func (w *walked) wantProblems(t *testing.T, want map[string]fault.Code) {
	t.Helper()
	got := map[string]fault.Code{}
	for path, err := range w.problems {
		got[path] = fault.CodeOf(err)
		wantFault(t, err, fault.CodeOf(err))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s%v", diff, w.problems)
	}
}

// read opens an entry and reads it all.
func (w *walked) read(path string) (string, error) {
	e := w.entries[path]
	f, err := w.Open(e)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.NewSectionReader(f, 0, e.Meta.Size))
	return string(b), errors.Join(err, f.Unchanged(), f.Close())
}

func (w *walked) wantText(t *testing.T, path, want string) {
	t.Helper()
	got, err := w.read(path)
	if err != nil || got != want {
		t.Errorf("%q holds %q, %v, want %q", path, got, err, want)
	}
}

// plant makes a tree: names that end in a slash are directories, the others files
// that hold their names.
func plant(t *testing.T, dir string, names ...string) string {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			mkdir(t, path)
			continue
		}
		mkdir(t, filepath.Dir(path))
		write(t, path, name)
	}
	return dir
}

func TestWalk(t *testing.T) {
	t.Parallel()
	dir := plant(t, filepath.Join(t.TempDir(), "top"), "b/deep/f", "a", "b-", "c/", "b/z", ".hidden")
	names := []string{".hidden", "a", "b", "b/deep", "b/deep/f", "b/z", "b-", "c"}
	d, above := openDir(t, dir), openDir(t, filepath.Dir(dir))
	for _, s := range []Start{
		{Path: dir + "/"},
		{Path: dir + "//"},
		{Path: dir + "/."},
		{Path: dir + "/b/.."},
		{Dir: d, Path: "."},
		{Dir: d, Path: "/"},
		{Dir: above, Path: "top/"},
	} {
		w := walkIn(t, allOf, s)
		w.wantPaths(t, append([]string{"."}, names...)...)
		w.wantProblems(t, map[string]fault.Code{})
		if e := w.entries["."]; e.Parent != 0 || e.Name != "" || e.Kind != tree.Dir {
			t.Errorf("%+v: at the top %+v", s, e)
		}
		w.wantText(t, "b/deep/f", "b/deep/f")
		w.wantText(t, "a", "a")
	}
	for i, name := range names {
		names[i] = "top/" + name
	}
	for _, s := range []Start{{Path: dir}, {Dir: above, Path: "top"}} {
		w := walkIn(t, allOf, s)
		w.wantPaths(t, append([]string{"top"}, names...)...)
		w.wantText(t, "top/b/deep/f", "b/deep/f")
	}
	for _, s := range []Start{{Path: dir + "/b/deep/f"}, {Dir: d, Path: "b/deep/f"}, {Dir: openDir(t, dir+"/b/deep"), Path: "f"}} {
		w := walkIn(t, tree.WalkOptions{}, s)
		w.wantPaths(t, "f")
		w.wantText(t, "f", "b/deep/f")
	}
}

func TestWalkMeta(t *testing.T) {
	t.Parallel()
	dir := plant(t, t.TempDir(), "d/f")
	old := time.Date(1969, time.July, 20, 20, 17, 40, 123456789, time.UTC)
	if err := errors.Join(os.Chtimes(dir+"/d/f", old, old), os.Chmod(dir+"/d/f", 0o4751),
		os.Chmod(dir+"/d", 0o1777), os.Chtimes(dir+"/d", old, old)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir+"/d/f", 0o751|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir+"/d", 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	w := walkPath(t, allOf, dir+"/d")
	f, d := w.entries["d/f"].Meta, w.entries["d"].Meta
	if !f.ModTime.Equal(old) || f.Mode != 0o751|os.ModeSetuid || f.Size != 3 || f.Owner != nil {
		t.Errorf("file: %+v", f)
	}
	if !d.ModTime.Equal(old) || d.Mode != 0o777|os.ModeSticky || d.Size != 0 {
		t.Errorf("directory: %+v", d)
	}
}

func TestWalkNotThere(t *testing.T) {
	t.Parallel()
	dir := plant(t, t.TempDir(), "d/f", "f")
	d := openDir(t, dir)
	w := walkIn(t, tree.WalkOptions{Links: true}, Start{Path: dir + "/none"}, Start{Path: dir + "/none/"},
		Start{Path: dir + "/f/"}, Start{Path: dir + "/f/x"}, Start{Path: ""}, Start{Dir: d, Path: "none2"},
		Start{Dir: d, Path: "../x"}, Start{Dir: d, Path: dir}, Start{Dir: d, Path: ""}, Start{Path: dir + "/f"})
	w.wantPaths(t, "f")
	w.wantProblems(t, map[string]fault.Code{
		"none": fault.NotFound, dir + "/none/": fault.NotFound, dir + "/f/": fault.NotFound, "x": fault.NotFound,
		"": fault.Usage, "none2": fault.NotFound, "../x": fault.Usage, dir: fault.Usage,
	})
	wantFault(t, w.problems["none"], fault.NotFound, "reading "+dir+"/none: no such file")

	// Directories are copied only if that is asked for.
	w = walkPath(t, tree.WalkOptions{}, dir+"/d", dir+"/d/", dir+"/f")
	w.wantPaths(t, "f")
	w.wantProblems(t, map[string]fault.Code{"d": fault.NotRegular, dir + "/d/": fault.NotRegular})
	wantFault(t, w.problems["d"], fault.NotRegular, "it is a directory", "-r copies directories")
}

// Where a link is not to be followed, it is not, and nothing but links as such are asked for.
func TestWalkNoLink(t *testing.T) {
	t.Parallel()
	dir := plant(t, t.TempDir(), "f")
	symlink(t, "f", dir+"/l")
	d := openDir(t, dir)
	w := walkIn(t, tree.WalkOptions{}, Start{Dir: d, Path: "l", NoLink: true}, Start{Dir: d, Path: "f", NoLink: true})
	w.wantPaths(t, "f")
	w.wantProblems(t, map[string]fault.Code{"l": fault.NotRegular})
	wantFault(t, w.problems["l"], fault.NotRegular, "it is a symbolic link", "name the file itself")
	walkIn(t, tree.WalkOptions{Links: true}, Start{Dir: d, Path: "l", NoLink: true}).wantPaths(t, "l")
}

// A list is of what is in a directory, which has no name then, by whatever name it is known.
func TestWalkListedByName(t *testing.T) {
	t.Parallel()
	d := openDir(t, plant(t, t.TempDir(), "a", "b"))
	walkIn(t, tree.WalkOptions{Files: []string{".", "a"}}, Start{Dir: d, Path: ".", Name: "d"}).wantPaths(t, ".", "a")
	walkIn(t, tree.WalkOptions{Recursive: true}, Start{Dir: d, Path: ".", Name: "d"}).wantPaths(t, "d", "d/a", "d/b")
}

// What has one of our own names is left out, and that is told; unless a rule leaves
// it out.
func TestWalkInProgress(t *testing.T) {
	t.Parallel()
	long := partialName(strings.Repeat("x", 255))
	dir := plant(t, t.TempDir(), "d/f", "d/"+partialName("f"), "d/"+journalName("f"), "d/"+long, "d/"+partialName("dir")+"/g")
	symlink(t, "nowhere", dir+"/d/"+linkName("l"))
	problems := map[string]fault.Code{}
	for _, name := range []string{partialName("f"), journalName("f"), long, partialName("dir"), linkName("l")} {
		problems["d/"+name] = fault.Usage
	}
	w := walkPath(t, allOf, dir+"/d")
	w.wantPaths(t, "d", "d/f")
	w.wantProblems(t, problems)
	wantFault(t, w.problems["d/"+partialName("f")], fault.Usage, dir+"/d/"+partialName("f"), "copies that are not complete", "--exclude '.*.rdmacp-*'")

	w = walkPath(t, allOf, dir+"/d/"+partialName("f"))
	w.wantPaths(t)
	w.wantProblems(t, map[string]fault.Code{partialName("f"): fault.Usage})
	w = walkPath(t, tree.WalkOptions{Recursive: true, Files: []string{partialName("f"), "f"}}, dir+"/d")
	w.wantPaths(t, "f")
	w.wantProblems(t, map[string]fault.Code{partialName("f"): fault.Usage})

	o := allOf
	o.Filter = []tree.Rule{{Pattern: ".*.rdmacp-*"}}
	w = walkPath(t, o, dir+"/d")
	w.wantPaths(t, "d", "d/f")
	w.wantProblems(t, map[string]fault.Code{})
}

func TestWalkStarts(t *testing.T) {
	t.Parallel()
	dir := plant(t, t.TempDir(), "1/x/a", "1/f", "1/g", "2/x/b", "2/f", "2/g/", "3/x")
	w := walkPath(t, allOf, dir+"/1/x", dir+"/2/x", dir+"/1/f", dir+"/1/g", dir+"/2/f", dir+"/2/g", dir+"/3/x", dir+"/3/")
	w.wantPaths(t, "x", "x/a", "x", "x/b", "f", "g", ".")
	w.wantProblems(t, map[string]fault.Code{"f": fault.Usage, "g": fault.Usage, "x": fault.Usage})
	wantFault(t, w.problems["f"], fault.Usage, dir+"/2/f", "another source has f too")
	w.wantText(t, "f", "1/f")
	w.wantText(t, "x/a", "1/x/a")
	w.wantText(t, "x/b", "2/x/b")
}

func TestWalkFilter(t *testing.T) {
	t.Parallel()
	dir := plant(t, filepath.Join(t.TempDir(), "top"), "a.o", "a.c", "sub/b.o", "sub/keep.o", "out/c.c", "sub/out/d.c")
	o := allOf
	o.Filter = []tree.Rule{{Pattern: "keep.o", Include: true}, {Pattern: "*.o"}, {Pattern: "/top/out/"}}
	walkPath(t, o, dir).wantPaths(t, "top", "top/a.c", "top/sub", "top/sub/keep.o", "top/sub/out", "top/sub/out/d.c")
	walkPath(t, o, dir+"/").wantPaths(t, ".", "a.c", "out", "out/c.c", "sub", "sub/keep.o", "sub/out", "sub/out/d.c")
	o.Filter = []tree.Rule{{Pattern: "top"}}
	walkPath(t, o, dir, dir+"/").wantPaths(t, ".", "a.c", "a.o", "out", "out/c.c", "sub", "sub/b.o", "sub/keep.o", "sub/out", "sub/out/d.c")

	err := NewWalker([]Start{{Path: dir}}, tree.WalkOptions{Filter: []tree.Rule{{Pattern: "[a"}}}).Walk(t.Context(), nil, nil)
	wantFault(t, err, fault.Usage, `"[a"`)
}

func TestWalkListed(t *testing.T) {
	t.Parallel()
	dir := plant(t, filepath.Join(t.TempDir(), "top"), "a", "d/e/f", "d/e/g", "d/x", "d-", "other/o", "all/1", "all/2/3", "f/")
	d := openDir(t, dir)
	o := tree.WalkOptions{Links: true, Files: []string{"./d//e/f", "all", "a", "d-", "d/none", "a/b", "", "../x", "/etc/passwd", "a", "no/thing", "d/../a"}}
	problems := map[string]fault.Code{
		"d/none": fault.NotFound, "a/b": fault.NotFound, "": fault.Usage, "../x": fault.Usage, "/etc/passwd": fault.Usage,
		"no/thing": fault.NotFound, "d/../a": fault.Usage,
	}
	for _, s := range []Start{{Path: dir}, {Path: dir + "/"}, {Dir: d, Path: "."}} {
		o.Recursive = false
		w := walkIn(t, o, s)
		w.wantPaths(t, "a", "all", "d", "d/e", "d/e/f", "d-")
		w.wantProblems(t, problems)
		w.wantText(t, "a", "a")
		w.wantText(t, "d/e/f", "d/e/f")
		o.Recursive = true
		o.Filter = []tree.Rule{{Pattern: "2"}, {Pattern: "a"}}
		w = walkIn(t, o, s)
		w.wantPaths(t, "a", "all", "all/1", "d", "d/e", "d/e/f", "d-")
		w.wantProblems(t, problems)
		o.Filter = nil
	}
	o = tree.WalkOptions{Files: []string{".", "d/x", "f/"}}
	walkPath(t, o, dir).wantPaths(t, ".", "d", "d/x", "f")
	o.Recursive = true
	walkPath(t, o, dir+"/d").wantPaths(t, ".", "e", "e/f", "e/g", "x")
	walkPath(t, o, dir+"/none").wantProblems(t, map[string]fault.Code{dir + "/none": fault.NotFound})
	walkPath(t, tree.WalkOptions{Files: []string{}}, dir).wantPaths(t)

	err := NewWalker([]Start{{Path: dir}, {Path: dir}}, o).Walk(t.Context(), nil, nil)
	wantFault(t, err, fault.Usage, "more than one source")
}

// What yield returns ends a walk, and so does the end of the context.
func TestWalkEnds(t *testing.T) {
	t.Parallel()
	dir := plant(t, t.TempDir(), "a", "b", "c")
	enough := errors.New("enough")
	for n := range 4 {
		w := NewWalker([]Start{{Path: dir}}, allOf)
		err := w.Walk(t.Context(), func(tree.Entry) error {
			if n--; n < 0 {
				return enough
			}
			return nil
		}, nil)
		if err = errors.Join(err, w.Close()); !errors.Is(err, enough) {
			t.Error(err)
		}
	}
	w := NewWalker([]Start{{Path: dir}}, allOf)
	defer func() { _ = w.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	err := w.Walk(ctx, func(tree.Entry) error {
		n++
		cancel()
		return nil
	}, nil)
	wantFault(t, err, fault.Interrupted)
	if n != 1 {
		t.Errorf("%d entries", n)
	}
	wantFault(t, w.Walk(t.Context(), nil, nil), fault.Internal)
}

func TestWalkClosed(t *testing.T) {
	t.Parallel()
	dir := plant(t, t.TempDir(), "f")
	w := walkPath(t, allOf, dir+"/f")
	f, err := w.Open(w.entries["f"])
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, 0); err != nil || b[0] != 'f' {
		t.Errorf("%q, %v", b, err)
	}
	_, err = w.Open(w.entries["f"])
	wantFault(t, err, fault.Internal)
	wantFault(t, w.Remove(w.entries["f"]), fault.Internal)
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// Many files are opened from many goroutines while the walk goes on.
func TestWalkAndOpen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 100 {
		for j := range 5 {
			plant(t, dir, fmt.Sprintf("%d/%d/f", i, j), fmt.Sprintf("%d/g", i))
		}
	}
	w := NewWalker([]Start{{Path: dir}}, allOf)
	defer func() { _ = w.Close() }()
	entries := make(chan tree.Entry, 64)
	results := make(chan int)
	for range 4 {
		go func() {
			read := 0
			for e := range entries {
				f, err := w.Open(e)
				if err != nil {
					t.Error(err)
					continue
				}
				b := make([]byte, e.Meta.Size)
				_, err = f.ReadAt(b, 0)
				if err = errors.Join(err, f.Unchanged(), f.Close()); err != nil || !strings.HasSuffix(string(b), e.Name) {
					t.Errorf("%q, %v", b, err)
				}
				read++
			}
			results <- read
		}()
	}
	err := w.Walk(t.Context(), func(e tree.Entry) error {
		if e.Kind == tree.File {
			entries <- e
		}
		return nil
	}, func(p tree.Problem) { t.Error(p) })
	close(entries)
	read := 0
	for range 4 {
		read += <-results
	}
	if err != nil || read != 600 {
		t.Errorf("%d files, %v", read, err)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	dir := plant(t, t.TempDir(), "d/a", "d/b", "d/c", "d/d", "target")
	symlink(t, "../target", dir+"/d/link")
	o := tree.WalkOptions{Recursive: true}
	w := walkPath(t, o, dir+"/d")
	write(t, dir+"/d/b", "longer")
	write(t, dir+"/d/new", "d/d")
	if err := errors.Join(os.Remove(dir+"/d/c"), os.Rename(dir+"/d/new", dir+"/d/d")); err != nil {
		t.Fatal(err)
	}
	for path, code := range map[string]fault.Code{"d/b": fault.SourceChanged, "d/c": fault.Vanished, "d/d": fault.SourceChanged} {
		wantFault(t, w.Remove(w.entries[path]), code, "removing "+dir+"/"+path)
	}
	for _, path := range []string{"d/a", "d/link"} {
		if err := w.Remove(w.entries[path]); err != nil {
			t.Error(err)
		}
	}
	wantFault(t, w.Remove(w.entries["d"]), fault.Internal)
	wantNames(t, dir+"/d", "b", "d")
	wantText(t, dir+"/target", "target")
}
