package rdma

import (
	"io"
	"log/slog"

	"github.com/rdmacp/rdmacp/internal/mr"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// view is where the device finds the bytes of a source: in the page cache, or in the
// slot that they were copied into.
type view struct {
	addr       uint64
	lkey, rkey verbs.Key
	window     *window // nil: the slot
}

// show makes an extent of src readable for the device, and takes its digest. Whoever
// gets a view releases its window.
func (c *conn) show(slot *mr.Lease, src io.ReaderAt, ext transport.Extent) (view, transport.Digest, error) {
	if v, digest := c.showPages(src, ext); v.window != nil {
		return v, digest, nil
	}
	if err := c.fill(slot.Bytes(), src, ext); err != nil {
		return view{}, transport.Digest{}, err
	}
	v := view{addr: slot.Addr(), lkey: c.pool.LKey(), rkey: c.pool.RKey()}
	return v, c.sum(slot.Bytes(), ext.Len), nil
}

// showPages is show for an extent that lies in the page cache; where that is not
// possible the view has no window.
func (c *conn) showPages(src io.ReaderAt, ext transport.Extent) (v view, digest transport.Digest) {
	paged, ok := src.(transport.Paged)
	if !ok || c.shown == nil || ext.Len < leastPaged {
		return view{}, digest
	}
	paged.Place(ext, func(p transport.Place) error {
		w, err := c.shown.take(p, ext.Len)
		if err != nil {
			return err
		}
		if err := w.Read(p.Off, ext.Len, func(b []byte) { digest = c.sum(b, ext.Len) }); err != nil {
			c.hide(w)
			return err
		}
		v = view{addr: w.Addr(p.Off), lkey: w.LKey(), rkey: w.RKey(), window: w}
		c.counters.paged.Add(uint64(ext.Len))
		return nil
	})
	return v, digest
}

// hide gives up a use of a window. What goes wrong then concerns nobody's bytes.
func (c *conn) hide(w *window) {
	if err := c.shown.release(w); err != nil {
		c.log.Warn("the page cache stays registered", slog.Any("error", err))
	}
}
