package storage

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// landing places, each by a path of this host and beneath a Dir.
func landBoth(t *testing.T, base, name string, n tree.Naming, several bool) []func() (*Store, error) {
	t.Helper()
	d := openDir(t, base)
	return []func() (*Store, error){
		func() (*Store, error) { return Land(filepath.Join(base, name), n, several, plain()) },
		func() (*Store, error) { return d.Land(name, n, several, plain()) },
	}
}

func TestNaming(t *testing.T) {
	t.Parallel()
	file := func(ts *trees) { ts.file("src", newText) }
	folder := func(ts *trees) { ts.dir("src"); ts.file("src/f", newText) }
	contents := func(ts *trees) {
		ts.dir("").Name = ""
		ts.file("f", newText).Parent = 1
	}
	for _, tt := range []struct {
		name   string
		target string
		naming tree.Naming
		what   func(*trees)
		path   string
		want   map[string]string
	}{
		{"a file, new", "new", tree.Auto, file, "new", map[string]string{"new": newText}},
		{"a file, replaced", "old", tree.Auto, file, "old", map[string]string{"old": newText}},
		{"a file, into a directory", "dir", tree.Auto, file, "dir", map[string]string{"dir/src": newText}},
		{"a file, into a linked directory", "link", tree.Auto, file, "link", map[string]string{"dir/src": newText}},
		{"a file, over a dangling link", "dangling", tree.Auto, file, "dangling", map[string]string{"dangling": newText}},
		{"a file, into", "dir", tree.Into, file, "dir", map[string]string{"dir/src": newText}},
		{"a directory, new", "new", tree.Auto, folder, "new", map[string]string{"new/": "", "new/f": newText}},
		{"a directory, into a directory", "dir", tree.Auto, folder, "dir", map[string]string{"dir/src/": "", "dir/src/f": newText}},
		{"contents, new", "new", tree.Contents, contents, "new", map[string]string{"new/": "", "new/f": newText}},
		{"contents", "dir", tree.Contents, contents, "dir", map[string]string{"dir/f": newText}},
		{"contents, linked", "link", tree.Contents, contents, "link", map[string]string{"dir/f": newText}},
		{"the directory itself", ".", tree.Contents, contents, ".", map[string]string{"f": newText}},
		{"contents without their directory", "new", tree.Contents, file, "new", map[string]string{"new/": "", "new/src": newText}},
		{"below", "dir/new", tree.Auto, file, "dir/new", map[string]string{"dir/new": newText}},
	} {
		for i, way := range []string{"local", "jailed"} {
			t.Run(tt.name+"/"+way, func(t *testing.T) {
				t.Parallel()
				base := t.TempDir()
				mkdir(t, base, "dir")
				symlink(t, "dir", filepath.Join(base, "link"))
				symlink(t, "nowhere", filepath.Join(base, "dangling"))
				write(t, filepath.Join(base, "old"), oldText)
				s, err := landBoth(t, base, tt.target, tt.naming, false)[i]()
				if err != nil {
					t.Fatal(err)
				}
				defer closeStore(t, s)
				if want := filepath.Join(base, tt.path); s.Path() != want {
					t.Errorf("it lands at %s, want %s", s.Path(), want)
				}
				var ts trees
				tt.what(&ts)
				noFault(t, ts.send(t.Context(), s))
				want := map[string]string{"dir/": "", "link": "-> dir", "dangling": "-> nowhere", "old": oldText}
				maps.Copy(want, tt.want)
				wantTree(t, base, want)
			})
		}
	}
}

func TestNamingRefused(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	mkdir(t, base, "dir")
	write(t, filepath.Join(base, "old"), oldText)
	symlink(t, "nowhere", filepath.Join(base, "dangling"))
	for _, tt := range []struct {
		target  string
		naming  tree.Naming
		several bool
		code    fault.Code
		why     string
	}{
		{"new", tree.Auto, true, fault.NotRegular, "make the directory first"},
		{"old", tree.Auto, true, fault.NotRegular, "make the directory first"},
		{"new", tree.Into, false, fault.NotFound, "make the directory first"},
		{"old", tree.Into, false, fault.NotRegular, "it is not a directory"},
		{"old", tree.Contents, false, fault.NotRegular, "it is not a directory"},
		{"none/new", tree.Auto, false, fault.NotFound, "no such file"},
		{"none/new", tree.Contents, false, fault.NotFound, "no such file"},
		{"old/new", tree.Auto, false, fault.NotFound, ""},
		{"new", 0, false, fault.Protocol, ""},
		{partialName("f"), tree.Auto, false, fault.Usage, ""},
		{journalName("f"), tree.Contents, false, fault.Usage, ""},
	} {
		for _, land := range landBoth(t, base, tt.target, tt.naming, tt.several) {
			_, err := land()
			wantFault(t, err, tt.code, tt.why)
		}
	}
	d := openDir(t, base)
	for _, name := range []string{"", "..", "../x", "/etc", "dir/../../x", "dir/"} {
		_, err := d.Land(name, tree.Auto, false, plain())
		wantFault(t, err, fault.Usage)
	}
	_, err := Land("", tree.Auto, false, plain())
	wantFault(t, err, fault.NotFound)
	_, err = Land(filepath.Join(base, "new")+"/", tree.Auto, false, plain())
	wantFault(t, err, fault.NotRegular, "it names a directory")
	s, err := d.Land("dangling", tree.Contents, false, plain())
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	v := s.Add(t.Context(), tree.Entry{ID: 1, Kind: tree.Dir})
	wantFault(t, v.Fault, fault.NotRegular, "a symbolic link already")
}

// A slash at the end of what is to be made is no other name.
func TestContentsWithSlash(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	var ts trees
	ts.file("f", newText)
	noFault(t, ts.landAt(t, filepath.Join(base, "new")+"//", tree.Contents, plain()))
	wantTree(t, base, map[string]string{"new/": "", "new/f": newText})
}

// Links that lead out of a Dir are replaced where that is what a copy does, and
// never followed.
func TestLandEscapes(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	dir, outside := mkdir(t, base, "dir"), mkdir(t, base, "outside")
	symlink(t, "../outside", filepath.Join(dir, "out"))
	symlink(t, "../outside/new", filepath.Join(dir, "gone"))
	d := openDir(t, dir)
	for _, n := range []tree.Naming{tree.Into, tree.Contents} {
		_, err := d.Land("out", n, false, plain())
		wantFault(t, err, fault.NotExport)
	}
	_, err := d.Land("out/f", tree.Auto, false, plain())
	wantFault(t, err, fault.NotExport)
	for _, name := range []string{"out", "gone"} {
		s, err := d.Land(name, tree.Auto, false, plain())
		if err != nil {
			t.Fatal(err)
		}
		var ts trees
		ts.dir("src")
		ts.file("src/f", newText)
		noFault(t, ts.send(t.Context(), s))
		closeStore(t, s)
	}
	// In a tree, too.
	symlink(t, "../../outside", filepath.Join(dir, "out", "deep"))
	s, err := d.Land(".", tree.Into, false, plain())
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	var ts trees
	ts.dir("out")
	ts.dir("out/deep")
	ts.file("out/deep/f", newText)
	noFault(t, ts.send(t.Context(), s))
	wantTree(t, dir, map[string]string{
		"out/": "", "out/f": newText, "out/deep/": "", "out/deep/f": newText, "gone/": "", "gone/f": newText,
	})
	wantNames(t, outside)
}

// What a peer must not say is refused, and harms nothing else.
func TestEntriesRefused(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	dir := mkdir(t, base, "dir")
	s, err := Land(dir, tree.Into, false, plain())
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	good := tree.Entry{ID: 1, Name: "f", Kind: tree.File, Meta: tree.Meta{Size: 100}}
	for _, tt := range []struct {
		what string
		code fault.Code
		bend func(*tree.Entry)
	}{
		{"slash", fault.Usage, func(e *tree.Entry) { e.Name = "a/b" }},
		{"slash only", fault.Usage, func(e *tree.Entry) { e.Name = "/" }},
		{"slash behind", fault.Usage, func(e *tree.Entry) { e.Name = "a/" }},
		{"NUL", fault.Usage, func(e *tree.Entry) { e.Name = "a\x00b" }},
		{"dot", fault.Usage, func(e *tree.Entry) { e.Name = "." }},
		{"dots", fault.Usage, func(e *tree.Entry) { e.Name = ".." }},
		{"empty", fault.Protocol, func(e *tree.Entry) { e.Name = "" }},
		{"empty directory", fault.Protocol, func(e *tree.Entry) { e.Name, e.Kind = "", tree.Dir }},
		{"long", fault.Usage, func(e *tree.Entry) { e.Name = strings.Repeat("n", 256) }},
		{"partial", fault.Usage, func(e *tree.Entry) { e.Name = partialName("x") }},
		{"journal", fault.Usage, func(e *tree.Entry) { e.Name = journalName("x") }},
		{"link", fault.Usage, func(e *tree.Entry) { e.Name = linkName("x") }},
		{"no such parent", fault.Protocol, func(e *tree.Entry) { e.Parent = 7 }},
		{"negative parent", fault.Protocol, func(e *tree.Entry) { e.Parent = -7 }},
		{"number", fault.Protocol, func(e *tree.Entry) { e.ID = 0 }},
		{"kind", fault.Protocol, func(e *tree.Entry) { e.Kind = 99 }},
		{"size", fault.Protocol, func(e *tree.Entry) { e.Meta.Size = -2 }},
		{"data beyond", fault.Protocol, func(e *tree.Entry) { e.Data = []tree.Range{{Off: 90, Len: 11}} }},
		{"data in disorder", fault.Protocol, func(e *tree.Entry) { e.Data = []tree.Range{{Off: 50, Len: 1}, {Off: 10, Len: 1}} }},
		{"data overflows", fault.Protocol, func(e *tree.Entry) { e.Data = []tree.Range{{Off: 1 << 62, Len: 1 << 62}} }},
		{"link to nothing", fault.Protocol, func(e *tree.Entry) { e.Kind = tree.Symlink }},
		{"hard link to nothing", fault.Protocol, func(e *tree.Entry) { e.Kind, e.First = tree.Hardlink, 77 }},
	} {
		e := good
		tt.bend(&e)
		v := s.Add(t.Context(), e)
		if v.Answer != tree.Fail || v.ID != e.ID {
			t.Errorf("%s: %+v", tt.what, v)
		}
		wantFault(t, v.Fault, tt.code)
	}
	wantNames(t, dir)
	wantNames(t, base, "dir")

	one, err := Land(filepath.Join(base, "one"), tree.Auto, false, plain())
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, one)
	for i, code := range []fault.Code{fault.OK, fault.Protocol} {
		v := one.Add(t.Context(), tree.Entry{ID: int64(i) + 1, Name: "f", Kind: tree.Dir})
		if fault.CodeOf(v.Fault) != code && v.Fault != nil {
			t.Errorf("entry %d: %v", i, v.Fault)
		}
	}
}

// Directories that stand in the way, and what stands in a directory's way.
func TestInTheWay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), oldText)
	mkdir(t, dir, "dir", "full")
	var ts trees
	ts.dir("file")
	ts.file("file/f", newText)
	ts.file("dir", newText)
	ts.symlink("l", "x")
	o := ts.landAt(t, dir, tree.Into, plain())
	wantFault(t, o.verdicts["file"].Fault, fault.NotRegular, "there is a file already")
	wantFault(t, o.verdicts["f"].Fault, fault.Protocol)
	wantFault(t, o.verdicts["dir"].Fault, fault.NotRegular, "there is a directory already")
	if _, err := os.Readlink(filepath.Join(dir, "l")); err != nil {
		t.Error(err)
	}
	ts = trees{}
	ts.symlink("dir", "x")
	o = ts.landAt(t, dir, tree.Into, plain())
	wantFault(t, o.verdicts["dir"].Fault, fault.NotRegular, "there is a directory already")
	wantTree(t, dir, map[string]string{"file": oldText, "dir/": "", "dir/full/": "", "l": "-> x"})
}

// Where what exists is left alone, that goes for a link to a directory too.
func TestIgnoreExistingLink(t *testing.T) {
	t.Parallel()
	dir, away := t.TempDir(), t.TempDir()
	if err := os.Symlink(away, filepath.Join(dir, "d")); err != nil {
		t.Fatal(err)
	}
	ts := &trees{}
	ts.dir("d")
	ts.file("d/f", "text")
	for _, ignore := range []bool{true, false} {
		o := archive()
		o.IgnoreExisting = ignore
		s := landBrisk(t, dir, o, hurried)
		out := ts.send(t.Context(), s)
		closeStore(t, s)
		info, err := os.Lstat(filepath.Join(dir, "d"))
		if err != nil || info.IsDir() == ignore || (out.failed() != nil) != ignore {
			t.Errorf("ignoring %v: %v, %v, %v", ignore, info.Mode(), err, out.failed())
		}
		wantNames(t, away)
	}
}
