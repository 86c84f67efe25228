package sealed_test

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
	"github.com/rdmacp/rdmacp/internal/transport/sealed"
	"github.com/rdmacp/rdmacp/internal/transport/transporttest"
)

const n = 1000 // bytes of a chunk

var (
	plain = bytes.Repeat([]byte("in the clear, "), n/14+1)[:n]
	ext   = transport.Extent{Off: 5 * n, Len: n}
)

// file is a source or a sink in memory.
type file []byte

func (f file) ReadAt(p []byte, off int64) (int, error)  { return copy(p, f[off:]), nil }
func (f file) WriteAt(p []byte, off int64) (int, error) { return copy(f[off:], p), nil }

// source has plain where ext is.
func source() file { return slices.Concat(make(file, ext.Off), plain) }

// pair connects two ends of which either may be one that seals, or not.
func pair(t *testing.T, way transport.Direction, seal func(f transport.Fabric) (lender, driver transport.Fabric)) (transport.Lender, transport.Driver) {
	t.Helper()
	s := transport.Setup{Direction: way, ChunkSize: 2 * n, Slots: 2, QPs: 1}
	lf, df := seal(memory.New(memory.Faults{}))
	l, d := transporttest.Connect(t, lf, s, df, s)
	t.Cleanup(func() { _, _ = d.Close(), l.Close() })
	return l, d
}

// What is on the wire tells nothing of what is moved, twice the same neither.
func TestOnTheWire(t *testing.T) {
	t.Parallel()
	// The driver is one that does not open: it gets what there is on the wire.
	l, d := pair(t, transport.Put, func(f transport.Fabric) (transport.Fabric, transport.Fabric) { return over(t, f, key), f })
	var seen [2]file
	for i := range seen {
		loan, err := l.LendSource(t.Context(), source(), ext)
		if err != nil {
			t.Fatal(err)
		}
		ticket := loan.Ticket()
		if ticket.Len != n {
			t.Errorf("the ticket is for %d bytes", ticket.Len)
		}
		ticket.Len += 28
		seen[i] = make(file, n+28)
		if _, err := d.Pull(t.Context(), ticket, seen[i], transport.Extent{Len: n + 28}); err != nil {
			t.Fatal(err)
		}
		if digest, err := loan.Settle(t.Context()); err != nil || digest != transport.Sum(plain) {
			t.Errorf("digest %v, %v", digest, err)
		}
		loan.Return()
		for at := 0; at+8 <= n; at += 8 {
			if bytes.Contains(seen[i], plain[at:at+8]) {
				t.Fatalf("%q is on the wire", plain[at:at+8])
			}
		}
	}
	if bytes.Equal(seen[0][:n], seen[1][:n]) {
		t.Error("the same bytes look the same")
	}
}

// What somebody else has sealed, or for something else, or has changed, is refused, and nothing
// of it is written.
func TestForged(t *testing.T) {
	t.Parallel()
	other := bytes.Repeat([]byte{8}, sealed.KeySize)
	for name, c := range map[string]struct {
		lender func(t *testing.T, f transport.Fabric) transport.Fabric
		ext    transport.Extent // that is pulled
	}{
		"another key":    {func(t *testing.T, f transport.Fabric) transport.Fabric { t.Helper(); return over(t, f, other) }, ext},
		"another extent": {func(t *testing.T, f transport.Fabric) transport.Fabric { t.Helper(); return over(t, f, key) }, transport.Extent{Off: 4 * n, Len: n}},
		"not sealed":     {func(_ *testing.T, f transport.Fabric) transport.Fabric { return longer{f} }, ext},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, d := pair(t, transport.Put, func(f transport.Fabric) (transport.Fabric, transport.Fabric) { return c.lender(t, f), over(t, f, key) })
			lent := ext
			if name == "not sealed" {
				lent.Len += 28
			}
			loan, err := l.LendSource(t.Context(), append(source(), make(file, 28)...), lent)
			if err != nil {
				t.Fatal(err)
			}
			ticket := loan.Ticket()
			ticket.Len = n
			to := make(file, 6*n)
			_, err = d.Pull(t.Context(), ticket, to, c.ext)
			if fault.CodeOf(err) != fault.Integrity {
				t.Errorf("it says %v", err)
			}
			if !bytes.Equal(to, make(file, len(to))) {
				t.Error("something was written")
			}
		})
	}
}

// longer is a fabric for chunks that are as long as sealed ones.
type longer struct{ transport.Fabric }

func (f longer) PrepareLender(ctx context.Context, s transport.Setup) (transport.Pending[transport.Lender], error) {
	s.ChunkSize += 28
	return f.Fabric.PrepareLender(ctx, s)
}

func TestKey(t *testing.T) {
	t.Parallel()
	if _, err := sealed.New(memory.New(memory.Faults{}), key[1:]); err == nil {
		t.Error("a short key is taken")
	}
}
