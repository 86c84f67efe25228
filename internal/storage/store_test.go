package storage

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rdmacp/rdmacp/internal/tree"
)

func sampleTree() (*trees, map[string]string) {
	ts := &trees{}
	ts.dir("d")
	ts.file("d/a", newText)
	ts.file("d/empty", "")
	ts.dir("d/sub")
	ts.file("d/sub/b", long)
	ts.symlink("d/sub/l", "../a")
	ts.symlink("d/dangling", "nowhere")
	ts.hardlink("d/sub/hard", "d/a")
	return ts, map[string]string{
		"d/": "", "d/a": newText, "d/empty": "", "d/sub/": "", "d/sub/b": long,
		"d/sub/l": "-> ../a", "d/dangling": "-> nowhere", "d/sub/hard": newText,
	}
}

func TestLandTree(t *testing.T) {
	t.Parallel()
	for _, before := range []string{"nothing", "the same", "others"} {
		t.Run(before, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ts, want := sampleTree()
			switch before {
			case "the same":
				noFault(t, ts.landAt(t, dir, tree.Into, archive()))
			case "others":
				mkdir(t, dir, "d", "sub")
				write(t, filepath.Join(dir, "d", "a"), oldText)
				write(t, filepath.Join(dir, "d", "sub", "l"), oldText)
				symlink(t, "elsewhere", filepath.Join(dir, "d", "dangling"))
				symlink(t, "elsewhere", filepath.Join(dir, "d", "sub", "b"))
			}
			o := ts.landAt(t, dir, tree.Into, archive())
			noFault(t, o)
			wantTree(t, dir, want)
			if before == "the same" && o.sent > 0 {
				t.Errorf("%d bytes were sent again", o.sent)
			}
			for _, name := range []string{"d", "d/sub", "d/a", "d/sub/b", "d/sub/l", "d/dangling"} {
				info, err := os.Lstat(filepath.Join(dir, name))
				if err != nil || !info.ModTime().Equal(stamp) {
					t.Errorf("%s: time %v, %v", name, info.ModTime(), err)
				}
			}
			a, err := os.Stat(filepath.Join(dir, "d", "a"))
			if err != nil {
				t.Fatal(err)
			}
			b, err := os.Stat(filepath.Join(dir, "d", "sub", "hard"))
			if err != nil || !os.SameFile(a, b) {
				t.Errorf("not a hard link: %v", err)
			}
		})
	}
}
