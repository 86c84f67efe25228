package storage

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/testenv"
)

// specials makes one of each kind of file that is none, and returns their names
// with what they are called.
func specials(t *testing.T, dir string) map[string]string {
	t.Helper()
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	mkdir(t, dir, "dir")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "sock")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	symlink(t, "fifo", filepath.Join(dir, "link"))
	kinds := map[string]string{"fifo": "a FIFO", "dir": "a directory", "sock": "a socket", "link": "a FIFO"}
	if unix.Mknod(filepath.Join(dir, "null"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))) == nil {
		kinds["null"] = "a character device"
	}
	return kinds
}

func TestNotRegular(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := openDir(t, dir)
	for name, kind := range specials(t, dir) {
		_, err := d.Source(name)
		wantFault(t, err, fault.NotRegular, "opening "+filepath.Join(dir, name), "it is "+kind)
		_, err = OpenSource(filepath.Join(dir, name))
		wantFault(t, err, fault.NotRegular, "opening "+filepath.Join(dir, name), "it is "+kind)

		// Nor are they replaced, and a FIFO on the way blocks nobody.
		_, err = d.Create(name, newMeta())
		wantFault(t, err, fault.NotRegular, kind+" already")
		_, err = Create(filepath.Join(dir, name), newMeta())
		wantFault(t, err, fault.NotRegular, kind+" already")
		if kind != "a directory" {
			_, err = d.Create(name+"/f", newMeta())
			wantFault(t, err, fault.NotFound)
			_, err = Create(filepath.Join(dir, name, "f"), newMeta())
			wantFault(t, err, fault.NotFound)
			_, err = OpenDir(filepath.Join(dir, name))
			wantFault(t, err, fault.NotFound)
		}
	}
	_, err := OpenSource("/dev/null")
	wantFault(t, err, fault.NotRegular, "a character device")
}

// Files in /proc have content but no size, those in /sys less content than
// size. Neither may become an empty or padded file.
func TestPseudoFiles(t *testing.T) {
	t.Parallel()
	_, err := OpenSource("/proc/self/status")
	wantFault(t, err, fault.NotRegular, "content but no size")

	s, err := OpenSource("/sys/kernel/mm/transparent_hugepage/enabled")
	if err != nil {
		testenv.Missing(t, "a file in /sys: %v", err)
	}
	defer func() { _ = s.Close() }()
	_, err = s.ReadAt(make([]byte, s.Meta().Size), 0)
	wantFault(t, err, fault.SourceChanged)
}

// Zero copy works on the descriptor, which must not be left non-blocking.
func TestSyscallConn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, newText)
	conn, err := openSource(t, path).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 3)
	err = conn.Control(func(fd uintptr) {
		if flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
			t.Errorf("flags %#x, %v", flags, err)
		}
		if flags, err := unix.FcntlInt(fd, unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor flags %#x, %v", flags, err)
		}
		if _, err := unix.Pread(int(fd), b, 4); err != nil {
			t.Error(err)
		}
	})
	if err != nil || string(b) != newText[4:7] {
		t.Errorf("%q, %v", b, err)
	}
}

func TestAllocated(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	dir := t.TempDir()
	hole, half, full := filepath.Join(dir, "hole"), filepath.Join(dir, "half"), filepath.Join(dir, "full")
	write(t, hole, "")
	write(t, half, string(make([]byte, size/2)))
	write(t, full, string(make([]byte, size)))
	for _, path := range []string{hole, half} {
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
	}
	for path, dense := range map[string]bool{hole: false, half: false, full: true} {
		if m := openSource(t, path).Meta(); m.Dense() != dense {
			t.Errorf("%s: %+v, dense %v", path, m, m.Dense())
		}
	}
	if m := openSource(t, hole).Meta(); m.Allocated == 0 || m.Need() > 4096 {
		t.Errorf("a file that is all hole: %+v", m)
	}
}

// A name that becomes a FIFO between the look and the open neither blocks nor
// passes for a file.
func TestBecomesFIFO(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, newText)
	_, err := newSource(path,
		func() (fs.FileInfo, error) {
			info, err := os.Stat(path)
			return info, errors.Join(err, os.Remove(path), unix.Mkfifo(path, 0o600))
		},
		func() (*os.File, error) { return os.OpenFile(path, sourceFlags, 0) })
	wantFault(t, err, fault.NotRegular, "opening "+path, "a FIFO")
}

// The time of the last access is no business of a copy's.
func TestAccessTime(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	began := time.Now().Add(-time.Minute)
	if err := copyTo(t.Context(), path, nil); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	if accessed := time.Unix(st.Atim.Unix()); accessed.Before(began) {
		t.Errorf("accessed at %v", accessed)
	}
	if modified := time.Unix(st.Mtim.Unix()); !modified.Equal(stamp) {
		t.Errorf("modified at %v", modified)
	}
}
