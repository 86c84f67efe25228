//go:build linux || windows

package tcp

import (
	"bytes"
	"testing"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// put moves one extent of a put, and returns what the two ends say of it.
func put(t *testing.T, l transport.Lender, d transport.Driver, src paged, ext transport.Extent, meanwhile func()) (lent, pulled transport.Digest, got memory) {
	t.Helper()
	loan, err := l.LendSource(deadline(t), src, ext)
	must(t, err)
	defer loan.Return()
	meanwhile()
	got = make(memory, ext.Len)
	pulled, err = d.Pull(deadline(t), loan.Ticket(), shifted{got, ext.Off}, ext)
	must(t, err)
	lent, err = loan.Settle(deadline(t))
	must(t, err)
	return lent, pulled, got
}

// shifted is a sink that begins at an offset.
type shifted struct {
	memory
	off int64
}

func (s shifted) WriteAt(b []byte, off int64) (int, error) { return s.memory.WriteAt(b, off-s.off) }

// What lies in the page cache goes out by sendfile, and a CPU reads it for its digest
// only; beyond 4 GiB, too, and off the borders of pages.
func TestSendfile(t *testing.T) {
	t.Parallel()
	const far = 5<<30 + 123
	content := noise(chunk)
	src := newPaged(t, content, far)
	ext := transport.Extent{Off: far, Len: chunk}

	l, d := newHost(t, nil).connect(t, transport.Put, nil)
	lent, pulled, got := put(t, l, d, src, ext, func() {})
	if !bytes.Equal(got, content) || lent != pulled || lent != transport.Sum(content) {
		t.Error("a put brings something else")
	}
	if s := l.Stats(); s.PagedBytes != chunk || s.CopiedBytes != 0 || s.SocketBytes != 0 || s.HashedBytes != chunk || s.WhyCopied != "" {
		t.Errorf("the lender counts %+v", s)
	}
	if s := d.Stats(); s.CopiedBytes != chunk || s.SocketBytes != chunk || s.Calls < 3 || s.Calls > 100 {
		t.Errorf("the driver counts %+v", s)
	}

	l, d = newHost(t, nil).connect(t, transport.Get, nil)
	clear(got)
	loan, err := l.LendSink(deadline(t), shifted{got, far}, ext)
	must(t, err)
	pushed, err := d.Push(deadline(t), src, ext, loan.Ticket())
	must(t, err)
	settled, err := loan.Settle(deadline(t))
	must(t, err)
	if !bytes.Equal(got, content) || settled != pushed || settled != transport.Sum(content) {
		t.Error("a get brings something else")
	}
	if s := d.Stats(); s.PagedBytes != chunk || s.CopiedBytes != 0 || s.SocketBytes != 0 {
		t.Errorf("the driver counts %+v", s)
	}
}

// A file that changes, or becomes shorter, once it is lent is told by its digest, and the
// connection lives on.
func TestSendfileChanged(t *testing.T) {
	t.Parallel()
	content := noise(2 * chunk)
	src, ext := newPaged(t, content, 0), transport.Extent{Off: chunk, Len: chunk}
	l, d := newHost(t, nil).connect(t, transport.Put, nil)
	for name, change := range map[string]func(){
		"written to": func() { _, err := src.WriteAt([]byte("new"), chunk+1000); must(t, err) },
		"shorter":    func() { must(t, src.Truncate(chunk+5000)) },
		"empty":      func() { must(t, src.Truncate(0)) },
	} {
		must(t, src.Truncate(0))
		_, err := src.WriteAt(content, 0)
		must(t, err)
		if lent, pulled, _ := put(t, l, d, src, ext, change); lent == pulled || lent != transport.Sum(content[chunk:]) {
			t.Errorf("%s: nobody notices", name)
		}
	}
	other := newPaged(t, content, 0)
	if lent, pulled, got := put(t, l, d, other, ext, func() {}); lent != pulled || !bytes.Equal(got, content[chunk:]) {
		t.Error("the next file is not copied whole")
	}
}

// Without digests a lender copies what it lends, and a driver asks a file that has become
// shorter what is wrong with it.
func TestSendfileUnverified(t *testing.T) {
	t.Parallel()
	content := noise(chunk)
	src, ext := newPaged(t, content, 0), transport.Extent{Len: chunk}
	h := newHost(t, nil)
	l, d := h.connectUnverified(t, transport.Put)
	_, _, got := put(t, l, d, src, ext, func() { must(t, src.Truncate(0)) })
	if !bytes.Equal(got, content) || l.Stats().CopiedBytes != chunk {
		t.Errorf("the lender counts %+v", l.Stats())
	}
	l, d = h.connectUnverified(t, transport.Get)
	loan, err := l.LendSink(deadline(t), got, ext)
	must(t, err)
	_, err = d.Push(deadline(t), src, ext, loan.Ticket())
	mustBe(t, err, transport.ErrSource)
}

func (h *host) connectUnverified(t *testing.T, d transport.Direction) (transport.Lender, *driver) {
	t.Helper()
	l, dr := h.connect(t, d, nil)
	dr.setup.Unverified, l.(*lender).setup.Unverified = true, true
	return l, dr
}
