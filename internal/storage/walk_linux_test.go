package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/testenv"
	"github.com/rdmacp/rdmacp/internal/tree"
)

func TestWalkOddNames(t *testing.T) {
	t.Parallel()
	names := []string{"\x01", "\n", " ", "*", "-rf", "new\nline", strings.Repeat("o", 255), "x\xfe", "x\xff", "ä", "\xff\xfe"}
	dir := plant(t, filepath.Join(t.TempDir(), "d"), names...)
	w := walkPath(t, allOf, dir+"/")
	w.wantPaths(t, append([]string{"."}, names...)...)
	for _, name := range names {
		w.wantText(t, name, name)
	}
	w.wantProblems(t, map[string]fault.Code{})
}

// deepTree makes a chain of directories, each but the last with a file f, and
// returns the path of the directory in the middle.
func deepTree(t *testing.T, dir string, depth int, leaf string) (path string) {
	t.Helper()
	at, err := unix.Open(dir, openDirFlags, 0)
	for i := range depth {
		if err == nil {
			err = unix.Mkdirat(at, leaf, 0o755)
		}
		var next, f int
		if err == nil {
			next, err = unix.Openat(at, leaf, openDirFlags, 0)
			_ = unix.Close(at)
			at = next
		}
		if err == nil && i%10 == 9 {
			f, err = unix.Openat(at, "f", unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
			if err == nil {
				_, err = unix.Write(f, fmt.Appendf(nil, "%d", i))
				_ = unix.Close(f)
			}
		}
		path += "/" + leaf
	}
	_ = unix.Close(at)
	if err != nil {
		t.Fatal(err)
	}
	return path[1:]
}

// A tree whose paths are far too long for the kernel, and which is deeper than the
// walk holds directories open.
func TestWalkDeep(t *testing.T) {
	t.Parallel()
	const depth = 250
	dir := t.TempDir()
	leaf := strings.Repeat("d", 255)
	deepTree(t, dir, depth, leaf)
	d := openDir(t, dir)
	for _, s := range []Start{{Path: dir + "/"}, {Dir: d, Path: "."}} {
		for _, o := range []tree.WalkOptions{allOf, {Recursive: true}} {
			w := walkIn(t, o, s)
			w.wantProblems(t, map[string]fault.Code{})
			if len(w.paths) != 1+depth+depth/10 {
				t.Fatalf("%d entries", len(w.paths))
			}
			if open := len(w.table.open); open > maxOpenDirs {
				t.Errorf("%d directories are open", open)
			}
			path := ""
			for i := range depth {
				path += leaf + "/"
				if i%10 == 9 {
					w.wantText(t, path+"f", fmt.Sprint(i))
				}
			}
			w.wantText(t, strings.Repeat(leaf+"/", 10)+"f", "9")
		}
	}
	// Messages stay of a size that can be read.
	w := walkPath(t, allOf, dir+"/")
	deep := w.entries[strings.Repeat(leaf+"/", depth)+"f"]
	if err := w.Remove(deep); err != nil {
		t.Fatal(err)
	}
	_, err := w.Open(deep)
	wantFault(t, err, fault.Vanished, "it was removed")
	if len(err.Error()) > 5000 {
		t.Errorf("a message of %d bytes", len(err.Error()))
	}
}

func TestWalkManyFiles(t *testing.T) {
	t.Parallel()
	n := 100_000
	if testing.Short() {
		n = 10_000
	}
	dir := t.TempDir()
	at, err := unix.Open(dir, openDirFlags, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		f, err := unix.Openat(at, fmt.Sprintf("%06d", i), unix.O_CREAT|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		_ = unix.Close(f)
	}
	_ = unix.Close(at)
	w := NewWalker([]Start{{Path: dir + "/"}}, allOf)
	defer func() { _ = w.Close() }()
	seen := 0
	err = w.Walk(t.Context(), func(e tree.Entry) error {
		if e.Kind == tree.File && e.Name != fmt.Sprintf("%06d", seen) {
			return fmt.Errorf("number %d is %s", seen, e.Name)
		}
		if e.Kind == tree.File {
			seen++
		}
		return nil
	}, func(p tree.Problem) { t.Error(p) })
	if err != nil || seen != n {
		t.Errorf("%d of %d files, %v", seen, n, err)
	}
}

func TestWalkHardLinks(t *testing.T) {
	t.Parallel()
	dir := plant(t, filepath.Join(t.TempDir(), "d"), "a", "b", "sub/", "z")
	link := func(from, to string) {
		if err := os.Link(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
			t.Fatal(err)
		}
	}
	link("a", "sub/a2")
	link("a", "a3")
	link("b", "sub/b2")
	link("z", "../outside")
	w := walkPath(t, allOf, dir)
	got := map[string]string{}
	for path, e := range w.entries {
		if e.Kind == tree.Hardlink {
			got[path] = w.paths[e.First-1]
			if e.Meta.Size != 1 || w.entries[got[path]].Kind != tree.File || e.Meta.Inode != w.entries[got[path]].Meta.Inode {
				t.Errorf("%s: %+v", path, e)
			}
			if err := w.Remove(e); err != nil {
				t.Error(err)
			}
		}
	}
	want := map[string]string{"d/a3": "d/a", "d/sub/a2": "d/a", "d/sub/b2": "d/b"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	o := allOf
	o.HardLinks = false
	for path, e := range walkPath(t, o, dir).entries {
		if e.Kind != tree.Dir && e.Kind != tree.File || e.First != 0 {
			t.Errorf("%s: %+v", path, e)
		}
	}
}

// TestWalkNumberGivenAgain: another file has come by the number of one that went
// during the walk. The later one is no name of the first.
func TestWalkNumberGivenAgain(t *testing.T) {
	t.Parallel()
	table := linkTable{}
	old := status{device: 1, inode: 7, links: 2, size: 5, modified: time.Unix(100, 0)}
	other := old
	other.modified = time.Unix(200, 0)
	longer := old
	longer.size++
	for i, st := range []*status{&old, &other, &longer} {
		if first := table.first(st, int64(i+1)); first != 0 {
			t.Errorf("file %d is taken for a name of file %d", i+1, first)
		}
	}
	if first := table.first(&other, 4); first != 2 {
		t.Errorf("its other name is one of file %d, want 2", first)
	}
}

// TestRemoveRewritten: what was given its old time after it was rewritten is not
// removed; what has lost names by our own removing is.
func TestRemoveRewritten(t *testing.T) {
	t.Parallel()
	dir := plant(t, t.TempDir(), "d/a", "d/b", "d/names")
	for _, name := range []string{"names2", "names3"} {
		if err := os.Link(dir+"/d/names", dir+"/d/"+name); err != nil {
			t.Fatal(err)
		}
	}
	for _, hard := range []bool{true, false} {
		w := walkPath(t, tree.WalkOptions{Recursive: true, HardLinks: hard}, dir+"/d")
		e := w.entries["d/b"]
		time.Sleep(time.Until(settled(time.Unix(0, e.Meta.Changed)))) // as a copy does before it reads
		write(t, dir+"/d/b", "D/B")
		if err := errors.Join(os.Chtimes(dir+"/d/b", time.Time{}, e.Meta.ModTime), os.Chmod(dir+"/d/a", 0o600)); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"d/a", "d/b"} {
			wantFault(t, w.Remove(w.entries[path]), fault.SourceChanged, "removing "+dir+"/"+path, "old time")
		}
		if hard {
			continue // the names are removed once
		}
		for _, path := range []string{"d/names3", "d/names", "d/names2"} {
			if err := w.Remove(w.entries[path]); err != nil {
				t.Error(err)
			}
		}
	}
	wantNames(t, dir+"/d", "a", "b")
}

func TestWalkLinks(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	dir := plant(t, filepath.Join(base, "d"), "f", "sub/g", "sub/deep/")
	for path, target := range map[string]string{
		"file": "f", "dangling": "none", "round": "round", "dir": "sub", "sub/up": "..", "sub/deep/far": "../../f", "self": ".",
	} {
		symlink(t, target, filepath.Join(dir, path))
	}
	long := strings.Repeat("./", 1000) + "f"
	symlink(t, long, dir+"/long")
	w := walkPath(t, allOf, dir)
	w.wantPaths(t, "d", "d/dangling", "d/dir", "d/f", "d/file", "d/long", "d/round", "d/self", "d/sub",
		"d/sub/deep", "d/sub/deep/far", "d/sub/g", "d/sub/up")
	w.wantProblems(t, map[string]fault.Code{})
	if e := w.entries["d/long"]; e.Kind != tree.Symlink || e.Link != long {
		t.Errorf("%+v", e)
	}

	// Followed, confined or not, it is the same.
	for _, s := range []Start{{Path: dir}, {Dir: openDir(t, base), Path: "d"}} {
		w = walkIn(t, tree.WalkOptions{Recursive: true}, s)
		w.wantPaths(t, "d", "d/dir", "d/dir/deep", "d/dir/deep/far", "d/dir/g", "d/f", "d/file", "d/long",
			"d/sub", "d/sub/deep", "d/sub/deep/far", "d/sub/g")
		w.wantProblems(t, map[string]fault.Code{
			"d/dangling": fault.NotFound, "d/round": fault.NotFound, "d/self": fault.NotFound,
			"d/sub/up": fault.NotFound, "d/dir/up": fault.NotFound,
		})
		wantFault(t, w.problems["d/self"], fault.NotFound, "circle")
		wantFault(t, w.problems["d/dangling"], fault.NotFound, "not there")
		for path, text := range map[string]string{"d/file": "f", "d/dir/g": "sub/g", "d/dir/deep/far": "f", "d/long": "f"} {
			w.wantText(t, path, text)
		}
	}

	// A start that is a link.
	walkPath(t, allOf, dir+"/dir").wantPaths(t, "dir")
	walkPath(t, allOf, dir+"/dir/").wantPaths(t, ".", "deep", "deep/far", "g", "up")
	w = walkPath(t, tree.WalkOptions{Recursive: true}, dir+"/sub/deep/far", dir+"/dir")
	w.wantPaths(t, "far", "dir", "dir/deep", "dir/deep/far", "dir/g", "dir/up", "dir/up/f",
		"dir/up/file", "dir/up/long")
}

// Nothing leads out of a Dir.
func TestWalkConfined(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	plant(t, base, "outside/secret", "d/sub/f")
	dir := filepath.Join(base, "d")
	symlink(t, "../outside", dir+"/up")
	symlink(t, base+"/outside", dir+"/absolute")
	symlink(t, "../../outside/secret", dir+"/sub/leaf")
	symlink(t, "../up/secret", dir+"/sub/twice")
	d := openDir(t, dir)
	w := walkIn(t, tree.WalkOptions{Recursive: true}, Start{Dir: d, Path: "."}, Start{Dir: d, Path: "up"}, Start{Dir: d, Path: "absolute/"},
		Start{Dir: d, Path: "up/secret"})
	w.wantPaths(t, ".", "sub", "sub/f")
	w.wantProblems(t, map[string]fault.Code{
		"up": fault.NotExport, "absolute": fault.NotExport, "absolute/": fault.NotExport, "sub/leaf": fault.NotExport,
		"sub/twice": fault.NotExport, "secret": fault.NotExport,
	})
	w = walkIn(t, tree.WalkOptions{Recursive: true, Links: true, Files: []string{"up/secret", "sub/f"}}, Start{Dir: d, Path: "."})
	w.wantPaths(t, "sub", "sub/f")
	w.wantProblems(t, map[string]fault.Code{"up/secret": fault.NotExport})

	// Not even when a directory becomes a link between the walk and the open.
	w = walkIn(t, allOf, Start{Dir: d, Path: "sub"})
	w.table.mu.Lock()
	for id := range w.table.open {
		w.table.drop(id)
	}
	w.table.mu.Unlock()
	if err := errors.Join(os.Rename(dir+"/sub", dir+"/was"), os.Symlink("../outside", dir+"/sub"), os.WriteFile(base+"/outside/f", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	_, err := w.Open(w.entries["sub/f"])
	wantFault(t, err, fault.SourceChanged)
}

func TestWalkSpecials(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "d")
	mkdir(t, dir)
	kinds := specials(t, dir)
	w := walkPath(t, tree.WalkOptions{Recursive: true, Links: true}, dir, dir+"/fifo")
	w.wantPaths(t, "d", "d/dir", "d/link")
	if _, ok := kinds["null"]; ok {
		wantFault(t, w.problems["d/null"], fault.NotRegular, "a character device", "--devices")
	}
	wantFault(t, w.problems["fifo"], fault.NotRegular, "a FIFO", "--specials")
	wantFault(t, w.problems["d/fifo"], fault.NotRegular, "a FIFO", "--specials")
	wantFault(t, w.problems["d/sock"], fault.NotRegular, "a socket", "--specials")

	w = walkPath(t, tree.WalkOptions{Recursive: true, Specials: true, Devices: true}, dir)
	w.wantProblems(t, map[string]fault.Code{})
	want := map[string]tree.Kind{"fifo": tree.FIFO, "dir": tree.Dir, "sock": tree.Socket, "link": tree.FIFO}
	if _, ok := kinds["null"]; ok {
		want["null"] = tree.CharDevice
		if m := w.entries["d/null"].Meta; m.Major != 1 || m.Minor != 3 {
			t.Errorf("%+v", m)
		}
	}
	for name, kind := range want {
		if got := w.entries["d/"+name].Kind; got != kind {
			t.Errorf("%s is %v, want %v", name, got, kind)
		}
	}
}

// unprivileged runs fn without the rights of root, who is refused nothing.
func unprivileged(t *testing.T, dir string, fn func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		fn()
		return
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // of t.TempDir's own
		t.Fatal(err)
	}
	asNobody(t, fn)
}

func TestWalkUnreadable(t *testing.T) {
	t.Parallel()
	dir := plant(t, t.TempDir(), "d/a", "d/closed/f", "d/listed/f", "d/secret", "d/z/f")
	for path, mode := range map[string]fs.FileMode{"closed": 0, "listed": 0o444, "secret": 0, "a": 0o644, "z/f": 0o644} {
		if err := os.Chmod(filepath.Join(dir, "d", path), mode); err != nil {
			t.Fatal(err)
		}
	}
	unprivileged(t, dir, func() {
		w := walkPath(t, allOf, dir+"/d")
		w.wantPaths(t, "d", "d/a", "d/listed", "d/secret", "d/z", "d/z/f")
		w.wantProblems(t, map[string]fault.Code{"d/closed": fault.Permission, "d/listed/f": fault.Permission})
		_, err := w.Open(w.entries["d/secret"])
		wantFault(t, err, fault.Permission, "opening "+dir+"/d/secret")
		w.wantText(t, "d/a", "d/a")
	})
	if err := errors.Join(os.Chmod(dir+"/d/closed", 0o755), os.Chmod(dir+"/d/listed", 0o755)); err != nil {
		t.Fatal(err)
	}
}

// A directory on the way to a start need not be readable.
func TestWalkPassedDirectory(t *testing.T) {
	t.Parallel()
	dir := plant(t, t.TempDir(), "d/f")
	if err := errors.Join(os.Chmod(dir+"/d/f", 0o644), os.Chmod(dir+"/d", 0o711)); err != nil {
		t.Fatal(err)
	}
	unprivileged(t, dir, func() {
		walkPath(t, allOf, dir+"/d/f").wantText(t, "f", "d/f")
	})
}

func TestWalkSparse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const huge = 1 << 40
	sparse := func(name string, size int64, at ...int64) {
		f, err := os.Create(filepath.Join(dir, name))
		for _, off := range at {
			_, err2 := f.WriteAt([]byte{1}, off)
			err = errors.Join(err, err2)
		}
		if err = errors.Join(err, f.Truncate(size), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	sparse("huge", huge, huge/2)
	sparse("hole", 1<<20)
	var many []int64
	for i := range 2000 {
		many = append(many, int64(i)<<17)
	}
	sparse("many", 2000<<17, many...)
	write(t, dir+"/full", string(make([]byte, 1<<20)))
	began := time.Now()
	w := walkPath(t, allOf, dir+"/")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if d := w.entries["huge"].Data; len(d) != 1 || d[0].Off > huge/2 || d[0].End() <= huge/2 || d[0].Len > 1<<20 {
		t.Errorf("huge: %v", d)
	}
	if e := w.entries["hole"]; e.Data == nil || len(e.Data) != 0 || e.Meta.Dense() {
		t.Errorf("hole: %+v", e)
	}
	if e := w.entries["full"]; e.Data != nil || !e.Meta.Dense() {
		t.Errorf("full: %+v", e)
	}
	d := tree.RangesOf(w.entries["many"].Data)
	if n := len(d.List()); n > maxRanges || n < 2 {
		t.Errorf("many: %d ranges", n)
	}
	for _, off := range many {
		if !d.Has(tree.Range{Off: off, Len: 1}) {
			t.Fatalf("many: byte %d is missing", off)
		}
	}
}

func TestWalkOwners(t *testing.T) {
	t.Parallel()
	dir := plant(t, t.TempDir(), "d/a", "d/b")
	if os.Geteuid() == 0 {
		if err := os.Chown(dir+"/d/b", 54321, 12345); err != nil {
			t.Fatal(err)
		}
	}
	o := allOf
	o.Owner, o.Group, o.Names = true, true, true
	w := walkPath(t, o, dir+"/d")
	first, second := w.entries["d"].Meta.Owner, w.entries["d/a"].Meta.Owner
	if first == nil || int(first.UID) != os.Geteuid() || first.UID == 0 && first.User != "root" {
		t.Errorf("%+v", first)
	}
	if second == nil || second.UID != first.UID || second.User != "" || second.Group != "" {
		t.Errorf("%+v", second)
	}
	if os.Geteuid() == 0 {
		if diff := cmp.Diff(&tree.Owner{UID: 54321, GID: 12345}, w.entries["d/b"].Meta.Owner); diff != "" {
			t.Error(diff)
		}
	}
	o.Names = false
	if got := walkPath(t, o, dir+"/d").entries["d"].Meta.Owner; got == nil || got.User != "" || got.Group != "" {
		t.Errorf("%+v", got)
	}
}

func TestWalkXattrs(t *testing.T) {
	t.Parallel()
	dir := plant(t, filepath.Join(t.TempDir(), "d"), "f", "sub/", "big", "none")
	set := func(name, attr string, value []byte) {
		err := unix.Lsetxattr(filepath.Join(dir, name), attr, value, 0)
		if errors.Is(err, unix.ENOTSUP) {
			testenv.Missing(t, "a file system that has extended attributes")
		}
		if err != nil {
			t.Fatal(attr, err)
		}
	}
	set("f", "user.b", []byte("1\x00\xff"))
	set("f", "user.a", nil)
	set("sub", "user.c", bytes.Repeat([]byte("x"), 1000))
	symlink(t, "f", dir+"/link")
	root := os.Geteuid() == 0
	if root {
		set("link", "trusted.l", []byte("link"))
		set("f", "trusted.t", []byte("t"))
	}
	tooMuch := false
	for i := range 40 { // ext4 takes some 4 KiB, others more
		tooMuch = unix.Lsetxattr(dir+"/big", fmt.Sprintf("user.%d", i), bytes.Repeat([]byte("x"), 2000), 0) == nil
	}
	o := allOf
	o.Xattrs = true
	w := walkPath(t, o, dir+"/")
	want := []tree.Xattr{{Name: "user.a", Value: []byte{}}, {Name: "user.b", Value: []byte("1\x00\xff")}}
	if root {
		want = append([]tree.Xattr{{Name: "trusted.t", Value: []byte("t")}}, want...)
		if diff := cmp.Diff([]tree.Xattr{{Name: "trusted.l", Value: []byte("link")}}, w.entries["link"].Meta.Xattrs); diff != "" {
			t.Error(diff)
		}
	}
	if diff := cmp.Diff(want, w.entries["f"].Meta.Xattrs); diff != "" {
		t.Error(diff)
	}
	if x := w.entries["sub"].Meta.Xattrs; len(x) != 1 || len(x[0].Value) != 1000 {
		t.Errorf("%v", x)
	}
	if x := w.entries["none"].Meta.Xattrs; len(x) != 0 {
		t.Errorf("%v", x)
	}
	if tooMuch {
		wantFault(t, w.problems["big"], fault.Limit, "64 KiB", "reading "+dir+"/big")
	}
	// Behind links too, confined or not.
	o.Links = false
	for _, s := range []Start{{Path: dir + "/"}, {Dir: openDir(t, dir), Path: "."}} {
		if diff := cmp.Diff(want, walkIn(t, o, s).entries["link"].Meta.Xattrs); diff != "" {
			t.Error(diff)
		}
	}
	if x := walkPath(t, allOf, dir+"/").entries["f"].Meta.Xattrs; x != nil {
		t.Errorf("not asked for: %v", x)
	}
}

// posixACL is an ACL as the kernel has it: version 2, and entries of tag,
// permissions and id.
func posixACL() []byte {
	b := []byte{2, 0, 0, 0}
	for _, e := range [][3]uint32{{1, 6, ^uint32(0)}, {2, 4, 1234}, {4, 4, ^uint32(0)}, {0x10, 4, ^uint32(0)}, {0x20, 0, ^uint32(0)}} {
		b = append(b, byte(e[0]), byte(e[0]>>8), byte(e[1]), byte(e[1]>>8), byte(e[2]), byte(e[2]>>8), byte(e[2]>>16), byte(e[2]>>24))
	}
	return b
}

func TestWalkACLs(t *testing.T) {
	t.Parallel()
	dir := plant(t, filepath.Join(t.TempDir(), "d"), "f", "sub/")
	err := unix.Setxattr(dir+"/f", "system.posix_acl_access", posixACL(), 0)
	if errors.Is(err, unix.ENOTSUP) {
		testenv.Missing(t, "a file system that has ACLs")
	}
	err = errors.Join(err, unix.Setxattr(dir+"/sub", "system.posix_acl_default", posixACL(), 0), unix.Setxattr(dir+"/f", "user.x", nil, 0))
	if err != nil {
		t.Fatal(err)
	}
	o := allOf
	o.ACLs = true
	w := walkPath(t, o, dir+"/")
	for path, name := range map[string]string{"f": "system.posix_acl_access", "sub": "system.posix_acl_default"} {
		if diff := cmp.Diff([]tree.Xattr{{Name: name, Value: posixACL()}}, w.entries[path].Meta.Xattrs); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	o.ACLs, o.Xattrs = false, true
	if x := walkPath(t, o, dir+"/").entries["f"].Meta.Xattrs; len(x) != 1 || x[0].Name != "user.x" {
		t.Errorf("%v", x)
	}
}
