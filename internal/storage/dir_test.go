package storage

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
)

func TestOpenDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "f"), oldText)
	d := openDir(t, dir)
	if d.Path() != dir {
		t.Errorf("path %q", d.Path())
	}
	for path, code := range map[string]fault.Code{
		"": fault.NotFound, filepath.Join(dir, "none"): fault.NotFound, filepath.Join(dir, "f"): fault.NotFound,
	} {
		_, err := OpenDir(path)
		wantFault(t, err, code, "opening the directory "+path)
	}
	d2 := openDir(t, dir)
	for range 2 {
		if err := d2.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err := d2.Source("f")
	wantFault(t, err, fault.Internal)
}

func TestIsDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mkdir(t, dir, "sub", "deep")
	write(t, filepath.Join(dir, "f"), oldText)
	symlink(t, "sub", filepath.Join(dir, "in"))
	symlink(t, "nowhere", filepath.Join(dir, "dangling"))
	d := openDir(t, dir)
	for name, want := range map[string]bool{
		".": true, "sub": true, "sub/deep": true, "in": true, "in/deep": true,
		"f": false, "none": false, "none/none": false, "dangling": false,
	} {
		got, err := d.IsDir(name)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		got, err = IsDir(filepath.Join(dir, name))
		if err != nil || got != want {
			t.Errorf("local %s: %v, %v", name, got, err)
		}
	}
	_, err := d.IsDir("../x")
	wantFault(t, err, fault.Usage)
	_, err = d.IsDir("f/x")
	wantFault(t, err, fault.NotFound)
	_, err = IsDir(filepath.Join(dir, "f", "x"))
	wantFault(t, err, fault.NotFound)
}

// TestEscape also holds os.Root to the words by which escapes knows its error.
func TestEscape(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	dir, outside := mkdir(t, base, "dir"), mkdir(t, base, "outside")
	mkdir(t, dir, "sub")
	write(t, filepath.Join(outside, "secret"), oldText)
	write(t, filepath.Join(dir, "sub", "f"), newText)
	symlink(t, "../outside", filepath.Join(dir, "up"))
	symlink(t, outside, filepath.Join(dir, "absolute"))
	symlink(t, filepath.Join(dir, "sub"), filepath.Join(dir, "self"))
	symlink(t, "../outside/secret", filepath.Join(dir, "leaf"))
	symlink(t, "round", filepath.Join(dir, "round"))
	symlink(t, "sub/f", filepath.Join(dir, "in"))
	d := openDir(t, dir)

	for _, name := range []string{"up/secret", "absolute/secret", "self/f", "leaf"} {
		_, err := d.Source(name)
		wantFault(t, err, fault.NotExport, "leads out")
	}
	_, err := d.IsDir("up")
	wantFault(t, err, fault.NotExport)
	for _, name := range []string{"up/new", "absolute/new"} {
		_, err := d.Create(name, newMeta())
		wantFault(t, err, fault.NotExport, "creating "+filepath.Join(dir, name))
	}
	for _, name := range []string{"../outside/secret", "/etc/passwd", "sub/../../outside/secret", "sub/", ""} {
		_, err := d.Source(name)
		wantFault(t, err, fault.Usage)
		_, err = d.Create(name, newMeta())
		wantFault(t, err, fault.Usage)
	}
	_, err = d.Source("round")
	wantFault(t, err, fault.NotFound, "circle")

	// Links that stay inside are followed.
	s, err := d.Source("in")
	if err != nil {
		t.Fatal(err)
	}
	if s.Meta().Size != int64(len(newText)) {
		t.Errorf("%+v", s.Meta())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wantNames(t, outside, "secret")
}

func TestSourceErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "f"), oldText)
	d := openDir(t, dir)
	for _, name := range []string{"none", "none/f", "f/f"} {
		_, err := d.Source(name)
		wantFault(t, err, fault.NotFound, "opening "+filepath.Join(dir, name))
		_, err = OpenSource(filepath.Join(dir, name))
		wantFault(t, err, fault.NotFound, "opening "+filepath.Join(dir, name))
	}
}

// A name is bytes of somebody's choice, and messages go to terminals.
func TestEscapedMessages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := openDir(t, dir)
	_, err := d.Source("a\x1b[2J\nb")
	wantFault(t, err, fault.NotFound, `a\x1b[2J\nb`)

	s, err := d.Create("new\nline\xff", Meta{Mode: 0o644})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "new\nline\xff")); err != nil {
		t.Error(err)
	}
}

// A directory that was replaced is another one than users see at its path.
func TestInPlace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "export")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if err := d.InPlace(); err != nil {
		t.Fatalf("as it was opened: %v", err)
	}
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if err := d.InPlace(); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("moved away: %v", err)
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := d.InPlace(); fault.CodeOf(err) != fault.NotExport {
		t.Errorf("replaced: %v", err)
	}
}
