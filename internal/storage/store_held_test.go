package storage

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// What is kept until the end has a limit: beyond it an entry is a problem of its own, and
// the rest is copied.
func TestHeldLimit(t *testing.T) {
	t.Parallel()
	attrs := func(i int) []tree.Xattr {
		return []tree.Xattr{{Name: "user.x", Value: fmt.Append(bytes.Repeat([]byte{'x'}, 1000), i)}}
	}
	for name, tt := range map[string]struct {
		opts  func(o *tree.LandOptions)
		entry func(i int) tree.Entry
		fits  int // of 200, in 50,000 bytes
	}{
		"attributes of directories": {
			func(o *tree.LandOptions) { o.Xattrs = true },
			func(i int) tree.Entry { return tree.Entry{Kind: tree.Dir, Meta: tree.Meta{Xattrs: attrs(i)}} }, 45,
		},
		"the same attributes": {
			func(o *tree.LandOptions) { o.Xattrs = true },
			func(int) tree.Entry { return tree.Entry{Kind: tree.Dir, Meta: tree.Meta{Xattrs: attrs(0)}} }, 200,
		},
		"attributes that nobody keeps": {
			func(*tree.LandOptions) {},
			func(i int) tree.Entry { return tree.Entry{Kind: tree.Dir, Meta: tree.Meta{Xattrs: attrs(i)}} }, 200,
		},
		"directories that are not made": {
			func(o *tree.LandOptions) { o.DryRun = true },
			func(int) tree.Entry { return tree.Entry{Kind: tree.Dir} }, 154,
		},
		"names of a file that does not come": {
			func(*tree.LandOptions) {},
			func(int) tree.Entry { return tree.Entry{Kind: tree.Hardlink, First: 1} }, 193,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := archive()
			tt.opts(&o)
			s, err := Land(t.TempDir(), tree.Into, true, o)
			if err != nil {
				t.Fatal(err)
			}
			defer closeStore(t, s)
			s.held.most = 50_000
			s.Add(t.Context(), tree.Entry{ID: 1, Name: "first", Kind: tree.File, Linked: true, Meta: tree.Meta{Mode: 0o600, Size: 1}})
			fits := 0
			for i := range 200 {
				e := tt.entry(i)
				e.ID, e.Name, e.Meta.Mode = int64(i+2), fmt.Sprintf("n%03d", i), 0o700
				v := s.Add(t.Context(), e)
				if v.Fault != nil {
					wantFault(t, v.Fault, fault.Limit, "of memory of the host that is copied to")
					continue
				}
				fits++
			}
			if fits < tt.fits-3 || fits > tt.fits+3 {
				t.Errorf("%d of 200 fit, want %d or so", fits, tt.fits)
			}
		})
	}
}

// Where there are very many links they are made ahead of Finish, and come out the same.
func TestLinksEarly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ts, want := sampleTree()
	for i := range 50 {
		ts.symlink(fmt.Sprint("d/s", i), "a")
		want[fmt.Sprint("d/s", i)] = "-> a"
		ts.hardlink(fmt.Sprint("d/h", i), "d/a")
		want[fmt.Sprint("d/h", i)] = newText
	}
	mkdir(t, dir, "d")
	write(t, filepath.Join(dir, "d", "s7"), oldText)
	o := archive()
	s, err := Land(dir, tree.Into, true, o)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	s.held.early, s.held.step = 1000, 1000
	out := ts.send(t.Context(), s)
	noFault(t, out)
	if len(s.held.in) == 0 {
		t.Error("nothing was made ahead of Finish")
	}
	wantTree(t, dir, want)
}

// A link that cannot be made ahead of Finish is told there, and nothing is deleted.
func TestLinksEarlyFail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mkdir(t, dir, "d")
	write(t, filepath.Join(dir, "d", "extra"), oldText)
	o := archive()
	o.Delete = true
	s, err := Land(dir, tree.Into, true, o)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	s.held.early = 0
	s.seam = func(st step, call func() error) error {
		if st == stepMake {
			return os.ErrPermission
		}
		return call()
	}
	var ts trees
	ts.dir("d")
	ts.symlink("d/l", "x")
	out := ts.send(t.Context(), s)
	if len(out.problems) != 1 || out.problems[0].Path != "d/l" || out.err != nil {
		t.Fatalf("problems %v, %v", out.problems, out.err)
	}
	wantFault(t, out.problems[0].Fault, fault.Permission, "")
	wantText(t, filepath.Join(dir, "d", "extra"), oldText)
}
