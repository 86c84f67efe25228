//nolint:thelper // a rule is a test that Suite runs, not a helper
package transporttest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
)

func pageRules() []rule {
	return slices.Concat(
		both("pages/moved", pagesMoved), both("pages/counted", pagesCounted), both("pages/lost", pagesLost),
		both("pages/made", pagesMade), both("pages/full", pagesFull),
	)
}

// paged is a source or a sink in a file.
type paged struct {
	*os.File
	until int64
}

var _ transport.Paged = paged{}

// Place implements transport.Paged.
func (p paged) Place(ext transport.Extent, take func(transport.Place) error) bool {
	return take(transport.Place{File: p.File, Volume: 1, Off: ext.Off, Until: p.until}) == nil
}

// newPaged returns a file of n bytes on disk, and its content.
func newPaged(t *testing.T, n int) (paged, file) {
	t.Helper()
	path, content := filepath.Join(t.TempDir(), "paged"), newFile(n)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return paged{f, int64(n)}, content
}

// sink is the end that the payload goes to.
func (p pair) sink() interface{ Stats() transport.Stats } {
	if p.direction == transport.Put {
		return p.driver
	}
	return p.lender
}

// source is the end that the payload comes from.
func (p pair) source() interface{ Stats() transport.Stats } {
	if p.direction == transport.Get {
		return p.driver
	}
	return p.lender
}

// Whether a transport shows pages or copies them, the bytes are the file's.
func pagesMoved(t *testing.T, p pair) {
	const n = 3*chunkSize + 1000
	src, content := newPaged(t, n)
	dst := newRoom(n)
	for off := 0; off < n; off += chunkSize {
		ext := transport.Extent{Off: int64(off), Len: min(chunkSize, n-off)}
		if err := p.move(deadline(t), src, dst, ext); err != nil {
			t.Fatal(err)
		}
	}
	dst.mustEqual(t, content)
}

// Each byte was either taken out of the page cache or copied.
func pagesCounted(t *testing.T, p pair) {
	src, _ := newPaged(t, 2*chunkSize)
	for range 5 {
		if err := p.move(deadline(t), src, newRoom(2*chunkSize), transport.Extent{Off: chunkSize, Len: chunkSize}); err != nil {
			t.Fatal(err)
		}
	}
	s := p.source().Stats()
	if s.PagedBytes+s.CopiedBytes != 5*chunkSize {
		t.Errorf("%d bytes out of the page cache and %d copied, of %d", s.PagedBytes, s.CopiedBytes, 5*chunkSize)
	}
	if s.PagedBytes == 0 && s.Windows+s.HashedBytes > 0 || s.WhyCopied != "" && s.PagedBytes > 0 {
		t.Errorf("%d bytes in %d windows, refused: %q", s.PagedBytes, s.Windows, s.WhyCopied)
	}
}

// A file that has become shorter is a source that cannot be read, whether its pages
// were mapped before or not, and the next one is served.
func pagesLost(t *testing.T, p pair) {
	src, _ := newPaged(t, 2*chunkSize)
	first := transport.Extent{Len: chunkSize}
	if err := p.move(deadline(t), src, newRoom(chunkSize), first); err != nil {
		t.Fatal(err)
	}
	if err := src.Truncate(100); err != nil {
		t.Fatal(err)
	}
	mustBe(t, "a shorter file", p.failSource(t, src, chunkSize), transport.ErrSource)
	other, _ := newPaged(t, chunkSize)
	if err := other.Truncate(100); err != nil {
		t.Fatal(err)
	}
	mustBe(t, "another shorter file", p.failSource(t, other, chunkSize), transport.ErrSource)
	p.mustMove(t, chunkSize)
}

// Whether the pages of a sink are written by a NIC or by a CPU, they get what was sent,
// and each byte is counted once.
func pagesMade(t *testing.T, p pair) {
	const n = 3*chunkSize + 1000
	content := newFile(n)
	dst, _ := newPaged(t, n)
	for off := 0; off < n; off += chunkSize {
		ext := transport.Extent{Off: int64(off), Len: min(chunkSize, n-off)}
		if err := p.move(deadline(t), content, dst, ext); err != nil {
			t.Fatal(err)
		}
		if s := p.sink().Stats(); s.PagedBytes+s.CopiedBytes != uint64(ext.End()) {
			t.Errorf("%d bytes into the page cache and %d copied, of %d", s.PagedBytes, s.CopiedBytes, ext.End())
		}
	}
	got := newRoom(n)
	if _, err := dst.ReadAt(got.data, 0); err != nil {
		t.Fatal(err)
	}
	got.mustEqual(t, content)
}

// A sink whose pages cannot be had gets its bytes by WriteAt, which says what is wrong.
func pagesFull(t *testing.T, p pair) {
	err := p.move(deadline(t), newFile(chunkSize), readOnly{}, transport.Extent{Len: chunkSize})
	mustBe(t, "a sink that takes nothing", err, transport.ErrSink)
}

// readOnly is a sink that cannot be mapped, and takes nothing.
type readOnly struct{ broken }

// Place implements transport.Paged.
func (readOnly) Place(transport.Extent, func(transport.Place) error) bool { return false }
