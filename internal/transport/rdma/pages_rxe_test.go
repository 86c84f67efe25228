//go:build linux

package rdma_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/rdma"
	"github.com/rdmacp/rdmacp/internal/transport/transporttest"
)

// cached is a source in the page cache.
type cached struct {
	*os.File
	size int64
}

func (c cached) Place(ext transport.Extent, take func(transport.Place) error) bool {
	return take(transport.Place{File: c.File, Volume: 1, Off: ext.Off, Until: c.size}) == nil
}

// nowhere is a sink that keeps nothing: the digest says that all was there.
type nowhere struct{}

func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// showsPages reports whether this kernel pins shared pages of a file for reading.
func showsPages(t *testing.T) bool {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	return !strings.HasPrefix(unix.ByteSliceToString(u.Release[:]), "6.1.")
}

// Where the kernel can, no CPU copies a byte of a file on its way to the wire, and
// less than a call for each MiB is made for that. Where it cannot, it says so.
func TestRXEPages(t *testing.T) {
	a, b := twoRails(t)
	const chunk, size = 1 << 20, 20<<20 + 12_345
	path := filepath.Join(t.TempDir(), "f")
	content := make([]byte, size)
	for i := range content {
		content[i] = byte(i>>12 ^ i)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for _, direction := range []transport.Direction{transport.Put, transport.Get} {
		t.Run(direction.String(), func(t *testing.T) {
			fabric := rdma.New(rdma.Config{})
			s := transport.Setup{Direction: direction, ChunkSize: chunk, Slots: 4, QPs: 2}
			from, to := s, s
			from.Device, to.Device = a, b
			lender, driver := transporttest.Connect(t, fabric, from, fabric, to)
			for off := 0; off < size; off += chunk {
				ext := transport.Extent{Off: int64(off), Len: min(chunk, size-off)}
				if into(t, ends{lender, driver, direction}, cached{f, size}, nowhere{}, ext) != transport.Sum(content[off:off+ext.Len]) {
					t.Errorf("other bytes at %d", off)
				}
			}
			checkPaged(t, direction, lender, driver, size)
			for _, c := range []func() error{lender.Close, driver.Close, fabric.Close} {
				if err := c(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func checkPaged(t *testing.T, way transport.Direction, l transport.Lender, d transport.Driver, size uint64) {
	t.Helper()
	s := l.Stats()
	if way == transport.Get {
		s = d.Stats()
	}
	t.Logf("%d bytes out of the page cache in %d windows, %v; %d copied; %q", s.PagedBytes, s.Windows, s.Map, s.CopiedBytes, s.WhyCopied)
	if !showsPages(t) {
		if s.CopiedBytes != size || s.PagedBytes != 0 || !strings.Contains(s.WhyCopied, "kernels before 6.2") {
			t.Errorf("%+v", s)
		}
		return
	}
	// The last chunk, 12 KiB, is too short for it.
	if s.PagedBytes != size-12_345 || s.CopiedBytes != 12_345 || s.Windows != 3 || !strings.Contains(s.WhyCopied, "short chunk") {
		t.Errorf("%+v", s)
	}
}

// landed is a sink in a file that lives in memory.
type landed struct {
	*os.File
	size int64
}

func (l landed) Place(ext transport.Extent, take func(transport.Place) error) bool {
	return take(transport.Place{File: l.File, Volume: 1, Off: ext.Off, Until: l.size}) == nil
}

// On every kernel the NIC writes into the page cache of a file that lives in memory,
// and no CPU copies a byte. What the peer may write to is one chunk at a time.
func TestRXESinkPages(t *testing.T) {
	a, b := twoRails(t)
	const chunk, size = 1 << 20, 9<<20 + 12_345
	content := make([]byte, size)
	for i := range content {
		content[i] = byte(i>>12 ^ i)
	}
	for _, direction := range []transport.Direction{transport.Put, transport.Get} {
		t.Run(direction.String(), func(t *testing.T) {
			f, err := os.CreateTemp("/dev/shm", "rdmacp-test-")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _, _ = f.Close(), os.Remove(f.Name()) }()
			if err := f.Truncate(size); err != nil {
				t.Fatal(err)
			}
			fabric := rdma.New(rdma.Config{})
			s := transport.Setup{Direction: direction, ChunkSize: chunk, Slots: 4, QPs: 2}
			from, to := s, s
			from.Device, to.Device = a, b
			lender, driver := transporttest.Connect(t, fabric, from, fabric, to)
			for off := 0; off < size; off += chunk {
				ext := transport.Extent{Off: int64(off), Len: min(chunk, size-off)}
				if got := into(t, ends{lender, driver, direction}, bytes.NewReader(content), landed{f, size}, ext); got != transport.Sum(content[off:off+ext.Len]) {
					t.Errorf("other bytes at %d", off)
				}
			}
			sink, windows := driver.Stats(), uint64(2)
			if direction == transport.Get {
				sink, windows = lender.Stats(), 9
			}
			t.Logf("%d bytes into the page cache in %d windows, %v; %d copied; %q", sink.PagedBytes, sink.Windows, sink.Map, sink.CopiedBytes, sink.WhyCopied)
			if sink.PagedBytes != size-12_345 || sink.CopiedBytes != 12_345 || sink.Windows != windows || !strings.Contains(sink.WhyCopied, "short chunk") {
				t.Errorf("%+v", sink)
			}
			for _, c := range []func() error{lender.Close, driver.Close, fabric.Close} {
				if err := c(); err != nil {
					t.Error(err)
				}
			}
			got := make([]byte, size)
			if _, err := f.ReadAt(got, 0); err != nil || !bytes.Equal(got, content) {
				t.Errorf("the file has other content, %v", err)
			}
		})
	}
}

// ends are a connection's.
type ends struct {
	transport.Lender
	transport.Driver
	way transport.Direction
}

// into moves an extent into dst, and returns the digest of what arrived.
func into(t *testing.T, e ends, src io.ReaderAt, dst io.WriterAt, ext transport.Extent) transport.Digest {
	t.Helper()
	if e.way == transport.Put {
		loan, err := e.LendSource(t.Context(), src, ext)
		if err != nil {
			t.Fatal(err)
		}
		defer loan.Return()
		got, err := e.Pull(t.Context(), loan.Ticket(), dst, ext)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	loan, err := e.LendSink(t.Context(), dst, ext)
	if err != nil {
		t.Fatal(err)
	}
	defer loan.Return()
	if _, err := e.Push(t.Context(), src, ext, loan.Ticket()); err != nil {
		t.Fatal(err)
	}
	got, err := loan.Settle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}
