package storage

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// TestRaceTree copies a tree with something of each kind, again and again, while its directories and files are
// exchanged for links that lead out, where all has the same names: whatever a step of the copy was about to make,
// dress, link, rename or delete, what lies outside is not touched. RDMACP_RACES is how many copies there are to be.
func TestRaceTree(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	r := &raced{dir: mkdir(t, base, "dir"), outside: mkdir(t, base, "outside")}
	r.plant(t, r.outside)
	want := canary(t, r.outside)
	d := openDir(t, r.dir)
	t.Cleanup(r.letGo)
	adversary(t, r.exchange)
	whole, stopped := 0, map[fault.Code]int{}
	tries(t, func(i int) {
		r.mu.Lock()
		r.restore(t)
		var err error
		if i%8 == 0 { // one that is left alone, so that there is no doubt that what stops the others is the race
			err = r.copy(t, d)
			r.mu.Unlock()
		} else {
			r.mu.Unlock()
			err = r.copy(t, d)
		}
		if err != nil {
			if stopped[fault.CodeOf(err)]++; stopped[fault.CodeOf(err)] == 1 {
				t.Log(err)
			}
			return
		}
		whole++
	})
	r.mu.Lock()
	t.Logf("%d copies came through, %v were stopped, %d exchanges", whole, stopped, r.exchanges)
	r.mu.Unlock()
	if whole == 0 || len(stopped) == 0 {
		t.Error("there was no race")
	}
	if stopped[fault.Internal] > 0 {
		t.Error("not a fault of the file system's")
	}
	if got := canary(t, r.outside); got != want {
		t.Errorf("outside there is\n%s\nand was\n%s", got, want)
	}
}

// tries runs a race as often as is asked for; otherwise not for long.
func tries(t *testing.T, try func(i int)) {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("RDMACP_RACES"))
	if err != nil {
		again(try)
		return
	}
	for i := range n {
		try(i)
	}
}

// raced is a destination and what lies outside of it.
type raced struct {
	dir, outside string
	mu           sync.Mutex     // held while names are exchanged
	held         map[string]int // descriptors of the real directories below dir: the adversary is to follow no link itself
	exchanges    int
}

// The names that are exchanged, below dir, and where the links lead that they are exchanged for.
var exchanged = map[string]string{
	"top": "../outside", "top/there": "../../outside/there", "top/new": "../../outside/new", "top/small": "../../outside/small",
	"top/there/extra": "../../../outside/there/extra", "top/there/hard": "../../../outside/there/hard", "top/new/in": "../../../outside/new/in",
}

// exchange is the adversary's: one name for its link, or back.
func (r *raced) exchange(int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name := range exchanged { // in whatever order
		in, there := r.held[filepath.Dir(name)]
		if there && unix.Renameat2(in, filepath.Base(name), r.held["."], "evil-"+filepath.Base(name), unix.RENAME_EXCHANGE) == nil {
			r.exchanges++
			return
		}
	}
}

// restore makes what stands there before a copy.
func (r *raced) restore(t *testing.T) {
	t.Helper()
	r.letGo()
	left, err := os.ReadDir(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if err := os.RemoveAll(filepath.Join(r.dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	r.plant(t, mkdir(t, r.dir, "top"))
	for name, to := range exchanged {
		symlink(t, to, filepath.Join(r.dir, "evil-"+filepath.Base(name)))
	}
	r.held = map[string]int{}
	for _, name := range []string{".", "top", "top/there", "top/new"} {
		fd, err := unix.Open(filepath.Join(r.dir, name), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		r.held[name] = fd
	}
}

// letGo closes the directories.
func (r *raced) letGo() {
	for name, fd := range r.held {
		_ = unix.Close(fd)
		delete(r.held, name)
	}
}

// plant makes what stands there before below a directory, with extended attributes and a directory that a copy makes.
func (r *raced) plant(t *testing.T, dir string) {
	t.Helper()
	_, before, _ := scene()
	mkdir(t, dir, "new")
	for path, text := range before {
		full := filepath.Join(dir, path)
		mkdir(t, filepath.Dir(full))
		switch {
		case strings.HasSuffix(path, "/"):
			mkdir(t, full)
		case strings.HasPrefix(text, "-> "):
			symlink(t, "nowhere", full)
		default:
			write(t, full, text)
			_ = unix.Setxattr(full, "user.canary", []byte("sings"), 0) // not on every tmpfs
		}
	}
	write(t, filepath.Join(dir, "new", "in"), oldText)
}

// copy copies the scene to top.
func (r *raced) copy(t *testing.T, d *Dir) error {
	t.Helper()
	s, err := d.Land("top", tree.Into, false, sceneOptions())
	if err != nil {
		return err
	}
	s.pace, s.seam = brisk, hurried
	ts, _, _ := scene()
	out := ts.send(t.Context(), s)
	if err := s.Close(); err != nil {
		return err
	}
	return out.failed()
}

// canary is all that can be seen of a tree, times of the last change of inodes among it.
func canary(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		_, _ = fmt.Fprintln(&b, path, info.Mode(), info.Size(), st.Nlink, st.Ino, st.Mtim, st.Ctim)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
