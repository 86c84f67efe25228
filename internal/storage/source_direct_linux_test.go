package storage

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// openSourceWay opens a file of size bytes that is read in a way.
func openSourceWay(t *testing.T, dir string, way tree.Way, size int) (*Source, []byte) {
	t.Helper()
	path, content := filepath.Join(dir, "f"), aligned(size)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSource(path)
	if err != nil {
		t.Fatal(err)
	}
	s.way = way
	t.Cleanup(func() { _ = s.Close() })
	return s, content
}

// All of a file, up to its last byte, comes past the page cache, and is what it holds.
func TestReadDirect(t *testing.T) {
	t.Parallel()
	dir := onDisk(t)
	const size, chunk = 3<<20 + 1234, 1 << 20
	s, content := openSourceWay(t, dir, tree.DirectWay, size)
	for off := 0; off < size; off += chunk {
		p := aligned(min(chunk, size-off))
		clear(p)
		m, err := s.ReadDirect(p, int64(off))
		if err != nil || m != (transport.Moved{Bytes: len(p), Direct: len(p)}) {
			t.Errorf("at %d: %+v, %v", off, m, err)
		}
		if !bytes.Equal(p, content[off:off+len(p)]) {
			t.Errorf("at %d: other bytes", off)
		}
	}
}

// What cannot come past the page cache is read all the same, and the reason is told.
func TestReadDirectNot(t *testing.T) {
	t.Parallel()
	disk, memory := onDisk(t), inMemoryDir(t)
	const size = 2 << 20
	for name, c := range map[string]struct {
		dir  string
		way  tree.Way
		p    []byte
		off  int64
		size int
		why  string
	}{
		"buffered":      {disk, tree.BufferedWay, aligned(1 << 20), 0, size, "buffered reads"},
		"mapped":        {disk, tree.MappedWay, aligned(1 << 20), 0, size, "mapped reads"},
		"small":         {disk, tree.DirectWay, aligned(1 << 20), 0, small, "more than 1.0 MiB"},
		"cached":        {disk, tree.AutoWay, aligned(1 << 20), 0, size, "had it already"},
		"off the block": {disk, tree.DirectWay, aligned(1 << 20), 512, size, "where a block does"},
		"half a block":  {disk, tree.DirectWay, aligned(1000), 0, size, "where a block does"},
		"off the page":  {disk, tree.DirectWay, aligned(1 << 20)[1:], 0, size, "where a block does"},
		"no disk":       {memory, tree.DirectWay, aligned(1 << 20), 0, size, "O_DIRECT: "},
	} {
		s, content := openSourceWay(t, c.dir, c.way, c.size)
		clear(c.p)
		m, err := s.ReadDirect(c.p, c.off)
		if err != nil || m.Bytes != len(c.p) || m.Copied != len(c.p) || !strings.Contains(m.Why, c.why) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
		if !bytes.Equal(c.p, content[c.off:int(c.off)+len(c.p)]) {
			t.Errorf("%s: other bytes", name)
		}
	}
}

// A file that has become shorter is said to have changed, whichever way it is read.
func TestReadDirectShorter(t *testing.T) {
	t.Parallel()
	dir := onDisk(t)
	s, _ := openSourceWay(t, dir, tree.DirectWay, 2<<20)
	if err := os.Truncate(filepath.Join(dir, "f"), 1<<20); err != nil {
		t.Fatal(err)
	}
	if m, err := s.ReadDirect(aligned(1<<20), 1<<20); err == nil || !strings.Contains(err.Error(), "it ends at byte") {
		t.Errorf("%+v, %v", m, err)
	}
}
