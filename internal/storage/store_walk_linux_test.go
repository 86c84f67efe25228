package storage

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// copyTree copies what a Walker finds to a Store, and returns what the Store has
// said to each entry.
func copyTree(t *testing.T, from, to string, o tree.LandOptions) map[string]tree.Verdict {
	t.Helper()
	w := NewWalker([]Start{{Path: from + "/"}}, tree.WalkOptions{
		Recursive: true, Links: true, HardLinks: true, Devices: true, Specials: true, Owner: true, Group: true, Names: true, Xattrs: true, ACLs: true,
	})
	defer func() { _ = w.Close() }()
	s, err := Land(to, tree.Contents, false, o)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	verdicts := map[string]tree.Verdict{}
	var paths tree.Paths
	problem := func(p tree.Problem) { t.Errorf("%s: %v", p.Path, p.Fault) }
	err = w.Walk(t.Context(), func(e tree.Entry) error {
		v := s.Add(t.Context(), e)
		path := paths.Of(e).String()
		verdicts[path] = v
		if v.Fault != nil {
			t.Errorf("%s: %v", path, v.Fault)
		}
		if v.Answer == tree.Want {
			copyFile(t, w, s, e, v)
		}
		return nil
	}, problem)
	if err != nil {
		t.Error(err)
	}
	if err := s.Finish(t.Context(), !t.Failed(), tree.Notes{Problem: problem}); err != nil {
		t.Error(err)
	}
	return verdicts
}

func copyFile(t *testing.T, w *Walker, s *Store, e tree.Entry, v tree.Verdict) {
	t.Helper()
	f, err := w.Open(e)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = f.Close() }()
	l, err := s.Open(e, v)
	if err != nil {
		t.Error(err)
		return
	}
	for _, r := range v.Ranges {
		b := make([]byte, r.Len)
		if _, err := f.ReadAt(b, r.Off); err != nil && err != io.EOF { //nolint:errorlint // io.ReaderAt promises it bare
			t.Error(err)
		}
		d := transport.Sum(b)
		if v.Compare {
			if old, ok := l.Old(r); ok && old == d {
				l.Keep(r)
				continue
			}
		}
		if _, err := l.WriteAt(b, r.Off); err != nil {
			t.Error(err)
		}
		l.Landed(r, d)
	}
	l.Sealed(tree.Seal{ID: e.ID, Size: e.Meta.Size, Fault: f.Unchanged()})
	if err := s.Commit(t.Context(), []tree.Landing{l})[0]; err != nil {
		t.Error(err)
	}
}

// portrait tells all of a tree that a copy keeps.
func portrait(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		st := statusOf(info)
		rel, _ := filepath.Rel(dir, path)
		line := fmt.Sprint(info.Mode(), " ", st.uid, ":", st.gid, " ", st.major, ":", st.minor, " ", st.modified.UnixNano())
		switch {
		case info.Mode().IsRegular():
			line += fmt.Sprintf(" %d names %x", st.links, transport.Sum(read(t, path)))
		case info.Mode()&fs.ModeSymlink != 0:
			to, _ := os.Readlink(path)
			line += " -> " + to
		}
		if info.Mode().IsRegular() || info.IsDir() {
			names, err := sized(func(b []byte) (int, error) { return unix.Llistxattr(path, b) })
			if err == nil {
				line += " " + strings.ReplaceAll(string(names), "\x00", " ")
			}
		}
		all[rel] = line
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return all
}

// What the Walker finds is what the Store makes, to the nanosecond; a second copy
// finds nothing to do, and a comparison nothing that differs.
func TestWalkToStore(t *testing.T) {
	t.Parallel()
	needRoot(t)
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	setScene(t, mkdir(t, from))
	for name, text := range map[string]string{"odd\nname\xff": newText, "empty": "", "large": strings.Repeat(long, 500)} {
		write(t, filepath.Join(from, name), text)
	}
	hole, err := os.OpenFile(filepath.Join(from, "holes"), os.O_CREATE|os.O_WRONLY, 0o4711)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hole.WriteAt([]byte(newText), 1<<20); err != nil {
		t.Error(err)
	}
	if err := hole.Truncate(3 << 20); err != nil {
		t.Error(err)
	}
	_ = hole.Close()
	write(t, filepath.Join(from, "allhole"), "")
	if err := os.Truncate(filepath.Join(from, "allhole"), 1<<20); err != nil {
		t.Error(err)
	}
	if err := os.Link(filepath.Join(from, "small"), filepath.Join(from, "there", "zzz")); err != nil {
		t.Error(err)
	}
	if err := os.Lchown(filepath.Join(from, "small"), 1234, nobody); err != nil {
		t.Error(err)
	}
	chmodTo(t, filepath.Join(from, "small"), 0o751|fs.ModeSetuid|fs.ModeSetgid)
	_ = unix.Setxattr(filepath.Join(from, "small"), "user.x", []byte("y"), 0) // where there are some
	if err := unix.Mkfifo(filepath.Join(from, "fifo"), 0o604); err != nil {
		t.Error(err)
	}
	mkdir(t, from, "closed", "sub")
	chmodTo(t, filepath.Join(from, "closed"), 0o500|fs.ModeSticky)
	for _, name := range []string{".large.rdmacp-partial", ".large.rdmacp-journal"} {
		remove(t, filepath.Join(from, name)) // nobody copies those
	}

	o := archive()
	o.Owner, o.Group, o.Xattrs, o.ACLs = true, true, true, true
	want := portrait(t, from)
	copyTree(t, from, to, o)
	if diff := cmp.Diff(want, portrait(t, to)); diff != "" {
		t.Errorf("the copy (-want +got):\n%s", diff)
	}
	for path, v := range copyTree(t, from, to, o) {
		if v.Change != 0 || v.Answer != tree.Done {
			t.Errorf("again, %q: %+v", path, v)
		}
	}
	o.Delta, o.IgnoreTimes, o.ReadBack = true, true, true
	copyTree(t, from, to, o)
	o.Verify = true
	for path, v := range copyTree(t, from, to, o) {
		if v.Change != 0 {
			t.Errorf("compared, %q: %+v", path, v)
		}
	}
	if diff := cmp.Diff(want, portrait(t, to)); diff != "" {
		t.Errorf("the copy by delta (-want +got):\n%s", diff)
	}
}
