package memory

import (
	"errors"
	"io"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// Mapped is a file that the fabric can show to its NICs where it lies. Load reads it
// as a NIC does: at once, and whatever it holds by then.
type Mapped interface {
	Load(p []byte, off int64) error
}

// page is where a loan lies that is no copy.
type page struct {
	file Mapped
	off  int64
}

// lendPages lends an extent where it lies; nil where that is not possible.
func (l *lender) lendPages(slot uint16, src io.ReaderAt, ext transport.Extent) *loan {
	paged, ok := src.(transport.Paged)
	if !ok || !l.fabric.faults.Paged {
		return nil
	}
	var o *loan
	paged.Place(ext, func(p transport.Place) error {
		file, ok := p.File.(Mapped)
		if !ok || p.Off < p.Since || p.Off+int64(ext.Len) > p.Until {
			return errors.ErrUnsupported
		}
		buf := l.slab.bytes(slot)[:ext.Len]
		if err := file.Load(buf, p.Off); err != nil {
			return err
		}
		digest := l.setup.Sum(buf)
		l.slab.blot(slot)
		l.count.add(transport.Stats{PagedBytes: uint64(ext.Len), Windows: 1})
		o = &loan{lender: l, ticket: l.slab.lendPage(slot, ext.Len, page{file, p.Off}), digest: digest}
		return nil
	})
	return o
}

// lendPage opens slot i to the peer as lend does, but for what lies elsewhere.
func (b *slab) lendPage(i uint16, n int, p page) transport.Ticket {
	t := b.lend(i, n, nil)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.slots[i].page = p
	return t
}
