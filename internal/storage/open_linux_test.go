package storage

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// A FIFO in place of the file blocks nobody.
func TestOpenFIFO(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	for _, o := range []tree.WalkOptions{allOf, {}} {
		_ = os.Remove(path)
		write(t, path, newText)
		w := walkPath(t, o, path)
		if err := errors.Join(os.Remove(path), unix.Mkfifo(path, 0o600)); err != nil {
			t.Fatal(err)
		}
		_, err := w.read("f")
		wantFault(t, unjoined(err), fault.SourceChanged)
	}
}

func TestOpenPseudoFile(t *testing.T) {
	t.Parallel()
	w := walkPath(t, allOf, "/proc/self/status")
	_, err := w.Open(w.entries["status"])
	wantFault(t, err, fault.NotRegular, "content but no size")
}

// Zero copy works on the descriptor, which must not be left non-blocking.
func TestOpenSyscallConn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, newText)
	w := walkPath(t, allOf, path)
	f, err := w.Open(w.entries["f"])
	if err != nil {
		t.Fatal(err)
	}
	conn, err := f.(*Source).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = conn.Control(func(fd uintptr) {
		if flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
			t.Errorf("flags %#x, %v", flags, err)
		}
		if flags, err := unix.FcntlInt(fd, unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor flags %#x, %v", flags, err)
		}
	})
	if err = errors.Join(err, f.Close(), f.Close()); err != nil {
		t.Error(err)
	}
	if err := conn.Control(func(uintptr) { t.Error("a closed source gives its descriptor away") }); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

// A directory that becomes a link and a directory again, all the time, leads
// nobody out: a file is refused, or it is the right one.
func TestWalkRacingSwap(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	dir := plant(t, filepath.Join(base, "d"), "sub/deep/f", "sub/f")
	plant(t, base, "outside/deep/f", "outside/f")
	for _, name := range []string{"/f", "/deep/f"} {
		write(t, base+"/outside"+name, "secret")
		write(t, dir+"/sub"+name, "public")
	}
	symlink(t, "../outside", dir+"/link")
	adversary(t, func(int) {
		_ = unix.Renameat2(unix.AT_FDCWD, dir+"/sub", unix.AT_FDCWD, dir+"/link", unix.RENAME_EXCHANGE)
	})
	d := openDir(t, dir)
	read, refused := 0, 0
	again(func(i int) {
		w := NewWalker([]Start{{Dir: d, Path: "."}}, tree.WalkOptions{Recursive: true, Links: i%2 == 0})
		defer func() { _ = w.Close() }()
		err := w.Walk(t.Context(), func(e tree.Entry) error {
			if e.Kind != tree.File {
				return nil
			}
			if i%3 == 0 { // have it opened by its path again
				w.table.mu.Lock()
				for id := range w.table.open {
					w.table.drop(id)
				}
				w.table.mu.Unlock()
			}
			f, err := w.Open(e)
			if err != nil {
				refused++
				return nil
			}
			defer func() { _ = f.Close() }()
			b := make([]byte, 6)
			if _, err := f.ReadAt(b, 0); err != nil || string(b) != "public" {
				t.Errorf("%q, %v", b, err)
			}
			read++
			return nil
		}, func(p tree.Problem) {
			if fault.CodeOf(p.Fault) == fault.Internal {
				t.Error(p.Fault)
			}
			refused++
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Logf("%d files were read, %d were refused", read, refused)
	if read == 0 {
		t.Error("nothing came through")
	}
}
