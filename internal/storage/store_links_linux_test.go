package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/testenv"
	"github.com/rdmacp/rdmacp/internal/tree"
)

func node(ts *trees, path string, k tree.Kind, major, minor uint32) {
	ts.add(path, tree.Entry{Kind: k, Meta: tree.Meta{Mode: 0o620, ModTime: stamp, Major: major, Minor: minor}}, "")
}

// FIFOs, sockets and devices are made, and what else stands there is replaced.
func TestNodes(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := t.TempDir()
	var ts trees
	kinds := map[string]tree.Kind{"fifo": tree.FIFO, "socket": tree.Socket, "null": tree.CharDevice, "disk": tree.BlockDevice}
	for name, k := range kinds {
		node(&ts, name, k, 1, 3)
	}
	out := ts.landAt(t, dir, tree.Into, archive())
	if errors.Is(out.failed(), fs.ErrPermission) {
		testenv.Missing(t, "to make devices: %v", out.failed())
	}
	noFault(t, out)
	check := func() {
		t.Helper()
		for name, k := range kinds {
			info, err := os.Lstat(filepath.Join(dir, name))
			if err != nil {
				t.Error(err)
				continue
			}
			st := statusOf(info)
			if kind(info.Mode()) != "a "+k.String() || info.Mode().Perm() != 0o620 || !info.ModTime().Equal(stamp) {
				t.Errorf("%s: %v at %v", name, info.Mode(), info.ModTime())
			}
			if dev := k == tree.CharDevice || k == tree.BlockDevice; dev && (st.major != 1 || st.minor != 3) {
				t.Errorf("%s: %d:%d", name, st.major, st.minor)
			}
		}
	}
	check()
	for name, v := range ts.landAt(t, dir, tree.Into, archive()).verdicts {
		if v.Change != 0 {
			t.Errorf("%s: change %b", name, v.Change)
		}
	}
	for name := range kinds {
		remove(t, filepath.Join(dir, name))
		write(t, filepath.Join(dir, name), oldText)
	}
	noFault(t, ts.landAt(t, dir, tree.Into, archive()))
	check()
	if got := listingNames(t, dir); len(got) != len(kinds) {
		t.Errorf("there are %q", got)
	}

	// Nobody writes a file through them, or over them.
	ts = trees{}
	ts.file("fifo", newText)
	ts.file("null", newText)
	out = ts.landAt(t, dir, tree.Into, plain())
	wantFault(t, out.verdicts["fifo"].Fault, fault.NotRegular, "there is a FIFO already")
	wantFault(t, out.verdicts["null"].Fault, fault.NotRegular, "there is a character device already")
}

func listingNames(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Names of one file stay names of one file, across directories, and come apart
// from what they were names of before.
func TestHardlinkGroups(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mkdir(t, dir, "a")
	write(t, filepath.Join(dir, "a", "1"), oldText)
	if err := os.Link(filepath.Join(dir, "a", "1"), filepath.Join(dir, "other")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, "a", "1"), filepath.Join(dir, "a", "2")); err != nil {
		t.Fatal(err)
	}
	var ts trees
	ts.dir("a")
	ts.file("a/1", newText)
	ts.hardlink("a/2", "a/1")
	ts.dir("b")
	ts.hardlink("b/3", "a/1")
	ts.file("b/4", long)
	ts.hardlink("5", "b/4")
	ts.symlink("b/6", "1")
	for range 2 {
		noFault(t, ts.landAt(t, dir, tree.Into, archive()))
		wantTree(t, dir, map[string]string{
			"a/": "", "a/1": newText, "a/2": newText, "b/": "", "b/3": newText, "b/4": long, "5": long, "b/6": "-> 1", "other": oldText,
		})
		for path, links := range map[string]uint64{"a/1": 3, "b/4": 2, "other": 1} {
			info, err := os.Stat(filepath.Join(dir, path))
			if err != nil || statusOf(info).links != links {
				t.Errorf("%s has %d names, %v", path, statusOf(info).links, err)
			}
		}
	}
	// Nothing is to be done at all, and none of it is done.
	for name, v := range ts.landAt(t, dir, tree.Into, archive()).verdicts {
		if v.Change != 0 && name != "a" && name != "b" {
			t.Errorf("%s: change %b", name, v.Change)
		}
	}
}

// Where the first name failed, the others are problems, and never names of what
// stood there before.
func TestHardlinkToFailure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "first"), oldText)
	var ts trees
	ts.file("first", newText)
	ts.hardlink("second", "first")
	s, err := Land(dir, tree.Into, false, archive())
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	s.seam = func(st step, call func() error) error {
		if st == stepSync {
			return syscall.EIO
		}
		return call()
	}
	out := ts.send(t.Context(), s)
	wantFault(t, out.errs["first"], fault.IO, "syncing")
	if len(out.problems) != 1 || out.problems[0].Path != "second" {
		t.Fatalf("problems: %v", out.problems)
	}
	wantFault(t, out.problems[0].Fault, fault.NotFound, "not copied under its first name")
	wantTree(t, dir, map[string]string{"first": oldText})
}

// Someone replaces the first name before the links are made.
func TestHardlinkToOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var ts trees
	ts.file("first", newText)
	ts.hardlink("second", "first")
	s, err := Land(dir, tree.Into, false, archive())
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	s.seam = func(st step, call func() error) error {
		if st == stepMake {
			remove(t, filepath.Join(dir, "first"))
			write(t, filepath.Join(dir, "first"), oldText)
		}
		return call()
	}
	out := ts.send(t.Context(), s)
	if len(out.problems) != 1 {
		t.Fatalf("problems: %v", out.problems)
	}
	wantFault(t, out.problems[0].Fault, fault.IO, "someone else has replaced")
	wantTree(t, dir, map[string]string{"first": oldText})
}

// A link that was half made by a killed run is in nobody's way.
func TestLeftoverLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "l"), oldText)
	symlink(t, "nowhere", filepath.Join(dir, linkName("l")))
	var ts trees
	ts.symlink("l", "somewhere")
	noFault(t, ts.landAt(t, dir, tree.Into, archive()))
	wantTree(t, dir, map[string]string{"l": "-> somewhere"})
}

// A file of 1 TiB that is almost all hole takes no room, and neither does its copy
// by delta.
func TestSparse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const size, at = 1 << 40, 1 << 39
	e := tree.Entry{
		ID: 1, Name: "f", Kind: tree.File, Data: []tree.Range{{Off: at, Len: 4096}},
		Meta: tree.Meta{Size: size, Mode: 0o600, ModTime: stamp},
	}
	block := []byte(strings.Repeat("data", 1024))
	for round := range 3 {
		o := archive()
		o.IgnoreTimes, o.Delta, o.ReadBack = true, round > 0, true
		s, err := Land(dir, tree.Into, false, o)
		if err != nil {
			t.Fatal(err)
		}
		if round == 2 { // something stands in the hole: it must not stay
			f, err := os.OpenFile(filepath.Join(dir, "f"), os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt(block, 1<<30); err != nil {
				t.Error(err)
			}
			_ = f.Close()
		}
		v := s.Add(t.Context(), e)
		if v.Answer != tree.Want || !slices.Equal(v.Ranges, e.Data) {
			t.Fatalf("%+v", v)
		}
		l, err := s.Open(e, v)
		if err != nil {
			t.Fatal(err)
		}
		var sent int64
		th := thing{Entry: e}
		if err := th.sendPart(l, v, e.Data[0], block, &sent); err != nil {
			t.Fatal(err)
		}
		if (sent == 0) != (round > 0) {
			t.Errorf("round %d: %d bytes sent", round, sent)
		}
		l.Sealed(tree.Seal{ID: 1, Size: size})
		if err := s.Commit(t.Context(), []tree.Landing{l})[0]; err != nil {
			t.Error(err)
		}
		closeStore(t, s)
		info, err := os.Stat(filepath.Join(dir, "f"))
		if err != nil {
			t.Fatal(err)
		}
		if st := statusOf(info); st.size != size || st.blocks > 64 {
			t.Errorf("round %d: %d bytes in %d blocks", round, st.size, st.blocks)
		}
		wantNames(t, dir, "f")
	}
	f, err := os.Open(filepath.Join(dir, "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	b := make([]byte, len(block))
	if _, err := f.ReadAt(b, at); err != nil || string(b) != string(block) {
		t.Errorf("the data is wrong, %v", err)
	}
	if _, err := f.ReadAt(b, 1<<30); err != nil || !zeros(b) {
		t.Errorf("the hole is filled, %v", err)
	}
}

// Two thousand files in one Commit.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	const files = 2000
	if limit := openLimit(t); limit < files+100 {
		testenv.Missing(t, "%d open files, the limit is %d", files, limit)
	}
	dir := t.TempDir()
	s, err := Land(dir, tree.Into, false, archive())
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	counts := map[step]int{}
	s.seam = func(st step, call func() error) error {
		counts[st]++
		return call()
	}
	var ts trees
	for i := range 20 {
		ts.dir(fmt.Sprint("d", i))
	}
	want := map[string]string{}
	for i := range files {
		name := fmt.Sprintf("d%d/f%d", i%20, i)
		want[name], want[filepath.Dir(name)+"/"] = strings.Repeat(name, i%100), ""
		ts.file(name, want[name])
	}
	var batch []tree.Landing
	for _, th := range ts.things {
		v := s.Add(t.Context(), th.Entry)
		if v.Answer != tree.Want {
			continue
		}
		l, err := s.Open(th.Entry, v)
		if err != nil {
			t.Fatal(err)
		}
		var sent int64
		if err := th.send(l, v, &sent); err != nil {
			t.Fatal(err)
		}
		batch = append(batch, l)
	}
	for i, err := range s.Commit(t.Context(), batch) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	wantTree(t, dir, want)
	if tellsOfFailures(s.top().open.self) && (counts[stepSync] > 0 || counts[stepSyncFS] != 2) {
		t.Errorf("%d fsyncs, %d syncfs", counts[stepSync], counts[stepSyncFS])
	}
	for i, err := range s.Commit(t.Context(), batch[:2]) {
		wantFault(t, err, fault.Internal)
		_ = i
	}
}

func openLimit(t *testing.T) uint64 {
	t.Helper()
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		t.Fatal(err)
	}
	return r.Cur
}

// More directories than are kept open, and deep ones.
func TestManyDirectories(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var ts trees
	want := map[string]string{}
	for i := range 2 * maxIdle {
		ts.dir(fmt.Sprint("d", i))
		want[fmt.Sprint("d", i)+"/"] = ""
	}
	deep := "deep"
	for range 100 {
		ts.dir(deep)
		want[deep+"/"] = ""
		deep += "/d"
	}
	for i := range 2 * maxIdle {
		name := fmt.Sprintf("d%d/f", i)
		ts.file(name, name)
		want[name] = name
	}
	ts.file(filepath.Dir(deep)+"/f", newText)
	want[filepath.Dir(deep)+"/f"] = newText
	noFault(t, ts.landAt(t, dir, tree.Into, archive()))
	wantTree(t, dir, want)
	if err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		info, _ := os.Lstat(path)
		if path != dir && !info.ModTime().Equal(stamp) {
			t.Errorf("%s: %v", path, info.ModTime())
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// A directory that is swapped while it is not open is not written to.
func TestDirectorySwapped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Land(dir, tree.Into, false, archive())
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	var ts trees
	ts.dir("victim")
	for i := range 2 * maxIdle {
		ts.dir(fmt.Sprint("d", i))
	}
	for _, th := range ts.things {
		if v := s.Add(t.Context(), th.Entry); v.Fault != nil {
			t.Fatal(v.Fault)
		}
	}
	outside := t.TempDir()
	victim := filepath.Join(dir, "victim")
	for i, swap := range []func() error{
		func() error { return errors.Join(os.Remove(victim), os.Symlink(outside, victim)) },
		func() error { return errors.Join(os.Remove(victim), os.Symlink("d1", victim)) },
		func() error { return errors.Join(os.Remove(victim), os.Rename(filepath.Join(dir, "d2"), victim)) },
	} {
		if err := swap(); err != nil {
			t.Fatal(err)
		}
		th := ts.file(fmt.Sprint("victim/f", i), newText)
		v := s.Add(t.Context(), th.Entry)
		if v.Fault == nil {
			_, err := s.Open(th.Entry, v)
			v.Fault = err
		}
		if f, ok := fault.As(v.Fault); !ok || (f.Code != fault.IO && f.Code != fault.NotRegular) {
			t.Errorf("swap %d: %v", i, v.Fault)
		}
	}
	wantNames(t, outside)
	wantNames(t, filepath.Join(dir, "d1"))
	wantNames(t, victim)
}

// Somebody puts another file of ours where a link or a FIFO has just been made, or where one is
// that stays: it is not given away in its stead, nor what it leads to.
func TestMadeSwapped(t *testing.T) {
	t.Parallel()
	const in = "somebody else's"
	for name, tt := range map[string]struct {
		old   func(t *testing.T, path string) // what stands there
		entry func(ts *trees)
		at    step // when it is swapped, and after the call
		where string
		kind  tree.Kind // of what is put there
	}{
		"file for a new FIFO":     {nil, func(ts *trees) { node(ts, "l", tree.FIFO, 0, 0) }, stepMake, "l", tree.File},
		"file for a FIFO":         {writeOld, func(ts *trees) { node(ts, "l", tree.FIFO, 0, 0) }, stepMake, linkName("l"), tree.File},
		"FIFO for a FIFO":         {writeOld, func(ts *trees) { node(ts, "l", tree.FIFO, 0, 0) }, stepMake, linkName("l"), tree.FIFO},
		"file for a link":         {writeOld, func(ts *trees) { ts.symlink("l", "x") }, stepMake, linkName("l"), tree.File},
		"FIFO for one that stays": {makeFIFO, func(ts *trees) { ts.file("f", newText); node(ts, "l", tree.FIFO, 0, 0) }, stepRename, "l", tree.FIFO},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, other := t.TempDir(), filepath.Join(t.TempDir(), in)
			if tt.kind == tree.FIFO {
				makeFIFO(t, other)
			} else {
				writeOld(t, other)
			}
			before, err := os.Lstat(other)
			if err != nil {
				t.Fatal(err)
			}
			if tt.old != nil {
				tt.old(t, filepath.Join(dir, "l"))
			}
			var ts trees
			tt.entry(&ts)
			s, err := Land(dir, tree.Into, false, archive())
			if err != nil {
				t.Fatal(err)
			}
			defer closeStore(t, s)
			swapped := false
			s.seam = func(st step, call func() error) error {
				err := call()
				if (st == tt.at || tt.at == stepRename && st == stepLink) && !swapped {
					swapped = true
					remove(t, filepath.Join(dir, tt.where))
					if err := os.Link(other, filepath.Join(dir, tt.where)); err != nil {
						t.Error(err)
					}
				}
				return err
			}
			out := ts.send(t.Context(), s)
			if !swapped || len(out.problems) != 1 {
				t.Fatalf("swapped: %v; problems: %v", swapped, out.problems)
			}
			wantFault(t, out.problems[0].Fault, fault.IO, "it was replaced just now")
			after, err := os.Lstat(other)
			if err != nil || after.Mode() != before.Mode() || !after.ModTime().Equal(before.ModTime()) {
				t.Errorf("it was %v of %v, and is %v of %v: %v", before.Mode(), before.ModTime(), after.Mode(), after.ModTime(), err)
			}
		})
	}
}

func writeOld(t *testing.T, path string) {
	t.Helper()
	write(t, path, oldText)
}

func makeFIFO(t *testing.T, path string) {
	t.Helper()
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}
