package storage

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/testenv"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// aligned returns n bytes that begin on a page and have room up to the end of one.
func aligned(n int) []byte {
	page := os.Getpagesize()
	room := (n + page - 1) / page * page
	b := make([]byte, room+page)
	at := -int(reflect.ValueOf(b).Pointer()) & (page - 1)
	b = b[at : at+room]
	for i := range b {
		b[i] = byte(i>>12 ^ i)
	}
	return b[:n:room]
}

// onDisk returns a directory whose file system writes by O_DIRECT.
func onDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "probe"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var b bypass
	if !b.reach(func(fn func(int) error) error { return control(f, fn) }, os.O_WRONLY) {
		testenv.Missing(t, "files in %s are not written by %s", dir, b.why)
	}
	b.close()
	return dir
}

// inMemoryDir returns a directory on a tmpfs.
func inMemoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "rdmacp-test-") //nolint:usetesting // t.TempDir may be on a disk
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// openWay starts a file of a Store that writes in a way.
func openWay(t *testing.T, dir string, way tree.Way, size int) (*Sink, string) {
	t.Helper()
	path := filepath.Join(dir, "f")
	m := newMeta()
	m.Size, m.Allocated = int64(size), int64(size)
	s, err := Create(path, m)
	if err != nil {
		t.Fatal(err)
	}
	s.way = way
	t.Cleanup(func() { _ = s.Close() })
	return s, path
}

// Whole blocks, and the last one that is none, go past the page cache, and the file is
// what was written.
func TestWriteDirect(t *testing.T) {
	t.Parallel()
	dir := onDisk(t)
	for _, size := range []int{small + 1, 3 << 20, 3<<20 + 4095, 2<<20 + 70_001} {
		content := aligned(size)
		s, path := openWay(t, dir, tree.AutoWay, size)
		const chunk = 1 << 20
		var all transport.Moved
		for off := 0; off < size; off += chunk {
			b := aligned(min(chunk, size-off))
			copy(b, content[off:])
			m, err := s.WriteDirect(b, int64(off))
			if err != nil {
				t.Fatal(err)
			}
			all.Add(m)
		}
		if all != (transport.Moved{Bytes: size, Direct: size}) {
			t.Errorf("%d bytes: %+v", size, all)
		}
		if err := s.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes: other content, %d bytes, %v", size, len(got), err)
		}
	}
}

// What cannot go past the page cache is written all the same, and the reason is told.
func TestWriteDirectNot(t *testing.T) {
	t.Parallel()
	disk, memory := onDisk(t), inMemoryDir(t)
	const size = 2 << 20
	for name, c := range map[string]struct {
		dir  string
		way  tree.Way
		b    []byte
		off  int64
		size int
		why  string
	}{
		"buffered":       {disk, tree.BufferedWay, aligned(1 << 20), 0, size, "buffered writes were asked for"},
		"mapped":         {disk, tree.MappedWay, aligned(1 << 20), 0, size, "does not keep files in memory"},
		"small file":     {disk, tree.AutoWay, aligned(1 << 20), 0, small, "files of more than 1.0 MiB"},
		"off the block":  {disk, tree.AutoWay, aligned(1 << 20), 512, size, "begin"},
		"off the page":   {disk, tree.AutoWay, aligned(1 << 20)[1:], 0, size, "begin"},
		"half a block":   {disk, tree.AutoWay, aligned(1<<20 - 100), 0, size, "end"},
		"no disk at all": {memory, tree.DirectWay, aligned(1 << 20), 0, size, "O_DIRECT: "},
	} {
		s, _ := openWay(t, c.dir, c.way, c.size)
		m, err := s.WriteDirect(c.b, c.off)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if m.Bytes != len(c.b) || m.Copied+m.Direct != len(c.b) || m.Copied == 0 || !strings.Contains(m.Why, c.why) {
			t.Errorf("%s: %+v", name, m)
		}
		got := make([]byte, len(c.b))
		if _, err := s.file.ReadAt(got, c.off); err != nil || !bytes.Equal(got, c.b) {
			t.Errorf("%s: other bytes, %v", name, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A file system may say that it can, and then refuse.
func TestWriteDirectUnfit(t *testing.T) {
	t.Parallel()
	dir := onDisk(t)
	s, _ := openWay(t, dir, tree.AutoWay, 2<<20)
	var calls atomic.Int32
	s.seam = func(at step, call func() error) error {
		if at == stepWrite && calls.Add(1) == 1 {
			return unix.EINVAL
		}
		return call()
	}
	b := aligned(1 << 20)
	m, err := s.WriteDirect(b, 0)
	if err != nil || m.Copied != len(b) || m.Why != "O_DIRECT: invalid argument" {
		t.Errorf("%+v, %v", m, err)
	}
	s.seam = func(at step, call func() error) error {
		if at == stepWrite {
			return unix.EIO
		}
		return call()
	}
	if _, err := s.WriteDirect(b, 1<<20); !errors.Is(err, unix.EIO) {
		t.Errorf("%v", err)
	}
	s.seam = nil
	if err := s.Commit(t.Context()); !errors.Is(err, unix.EIO) {
		t.Errorf("committed after a write failed: %v", err)
	}
}

// The pages of a file that lives in memory are shown, and those of no other.
func TestPlace(t *testing.T) {
	t.Parallel()
	disk, memory := t.TempDir(), inMemoryDir(t)
	const size = 2 << 20
	whole := transport.Extent{Len: 1 << 20}
	for name, c := range map[string]struct {
		dir  string
		way  tree.Way
		size int
		ext  transport.Extent
		want bool
	}{
		"memory":      {memory, tree.AutoWay, size, whole, true},
		"by option":   {memory, tree.MappedWay, size, whole, true},
		"not asked":   {memory, tree.DirectWay, size, whole, false},
		"small":       {memory, tree.AutoWay, small, whole, false},
		"beyond":      {memory, tree.AutoWay, size, transport.Extent{Off: size - 10, Len: 11}, false},
		"on the disk": {disk, tree.MappedWay, size, whole, false},
	} {
		s, path := openWay(t, c.dir, c.way, c.size)
		got := s.Place(c.ext, func(p transport.Place) error {
			conn, err := p.File.SyscallConn()
			if err != nil {
				return err
			}
			return conn.Control(func(fd uintptr) {
				mem, err := unix.Mmap(int(fd), p.Off, c.ext.Len, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				copy(mem, "by the NIC")
				_ = unix.Munmap(mem)
			})
		})
		if got != c.want {
			t.Errorf("%s: %v", name, got)
		}
		if err := s.Commit(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if content, _ := os.ReadFile(path); strings.HasPrefix(string(content), "by the NIC") != c.want {
			t.Errorf("%s: %q", name, content[:10])
		}
	}
	s, _ := openWay(t, memory, tree.AutoWay, size)
	if s.Place(whole, func(transport.Place) error { return unix.EFAULT }) {
		t.Error("it counts as written where it was not")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if s.Place(whole, func(transport.Place) error { return nil }) {
		t.Error("a closed file has a place")
	}
}
