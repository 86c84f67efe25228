package rdma

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/rdmacp/rdmacp/internal/mr"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// view is where the device finds the bytes of a source, or puts those of a sink: in the
// page cache, or in a slot. Whoever gets a view sees to it that its window is hidden.
type view struct {
	addr       uint64
	lkey, rkey verbs.Key
	window     *window // nil: the slot
	off        int64   // in the window's file
}

// inSlot is the view of a slot.
func (c *conn) inSlot(slot *mr.Lease) view {
	return view{addr: slot.Addr(), lkey: c.pool.LKey(), rkey: c.pool.RKey()}
}

// show makes an extent of src readable for the device, and takes its digest.
func (c *conn) show(slot *mr.Lease, src io.ReaderAt, ext transport.Extent) (v view, digest transport.Digest, err error) {
	shown := c.place(src, ext, func(at view) (err error) {
		v = at
		digest, err = c.look(v, ext)
		return err
	})
	if shown {
		return v, digest, nil
	}
	if err := c.fill(slot.Bytes(), src, ext); err != nil {
		return view{}, digest, err
	}
	return c.inSlot(slot), c.sum(slot.Bytes(), ext.Len), nil
}

// room makes an extent of dst writable for the device, or else the slot.
func (c *conn) room(slot *mr.Lease, dst io.WriterAt, ext transport.Extent) view {
	v := c.inSlot(slot)
	c.place(dst, ext, func(at view) error {
		v = at
		return nil
	})
	return v
}

// land brings what has arrived in a view of room's to dst, and returns its digest. By
// then the device cannot write there any more, unless that is the slot.
func (c *conn) land(slot *mr.Lease, v view, dst io.WriterAt, ext transport.Extent) (transport.Digest, error) {
	if v.window == nil {
		digest := c.sum(slot.Bytes(), ext.Len)
		return digest, c.flush(slot.Bytes(), dst, ext)
	}
	digest, err := c.look(v, ext)
	if err := v.window.release(); err != nil { // the device may still write there
		c.fail(lost(fmt.Errorf("taking a window back: %w", err)))
		return digest, c.err()
	}
	if err != nil {
		return digest, fmt.Errorf("%w: %w", transport.ErrSink, err)
	}
	return digest, nil
}

// place calls fn with a view of the page cache that file has for ext, and reports
// whether that was possible. The window is hidden where fn fails.
func (c *conn) place(file any, ext transport.Extent, fn func(view) error) bool {
	paged, ok := file.(transport.Paged)
	if !ok || c.pages == nil || ext.Len < leastPaged && !c.setup.ZeroCopy {
		return false
	}
	return paged.Place(ext, func(p transport.Place) error {
		w, err := c.pages.take(p, ext.Len)
		if err != nil {
			return err
		}
		if err := fn(view{addr: w.Addr(p.Off), lkey: w.LKey(), rkey: w.RKey(), window: w, off: p.Off}); err != nil {
			c.hide(w)
			return err
		}
		return nil
	})
}

// look returns the digest of an extent in the page cache.
func (c *conn) look(v view, ext transport.Extent) (digest transport.Digest, err error) {
	err = v.window.Read(v.off, ext.Len, func(b []byte) { digest = c.sum(b, ext.Len) })
	if err == nil {
		c.counters.paged.Add(uint64(ext.Len))
	}
	return digest, err
}

// hide gives up a use of a window. One that cannot be taken back ends the connection: the
// queue pairs go, and with them what could reach it.
func (c *conn) hide(w *window) {
	if err := w.release(); err != nil {
		c.log.Warn("the page cache stays registered", slog.Any("error", err))
		c.fail(lost(fmt.Errorf("taking a window back: %w", err)))
	}
}
