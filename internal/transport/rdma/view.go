package rdma

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/rdmacp/rdmacp/internal/failpoint"
	"github.com/rdmacp/rdmacp/internal/mr"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// view is where the device finds the bytes of a source, or puts those of a sink: in the
// page cache, or in a slot. Whoever gets a view sees to it that its window is hidden.
type view struct {
	addr       uint64
	lkey, rkey verbs.Key
	use              // of a window; none: the slot
	off        int64 // in the window's file
}

// inSlot is the view of a slot.
func (c *conn) inSlot(slot mr.Lease) view {
	return view{addr: slot.Addr(), lkey: c.pool.LKey(), rkey: c.pool.RKey()}
}

// show makes an extent of src readable for the device, and takes its digest.
func (c *conn) show(slot mr.Lease, src io.ReaderAt, ext transport.Extent) (v view, digest transport.Digest, err error) {
	p := &c.ops[slot.Slot()].placer
	if p.place(src, ext, true) {
		return p.view, p.digest, nil
	}
	if err := c.fill(slot.Bytes(), src, ext); err != nil {
		return view{}, digest, err
	}
	return c.inSlot(slot), c.sum(slot.Bytes(), ext.Len), nil
}

// room makes an extent of dst writable for the device, or else the slot.
func (c *conn) room(slot mr.Lease, dst io.WriterAt, ext transport.Extent) (view, error) {
	p := &c.ops[slot.Slot()].placer
	if p.place(dst, ext, false) {
		return p.view, nil
	}
	if !c.role.exposes {
		return c.inSlot(slot), nil
	}
	begun := time.Now()
	addr, rkey, err := slot.Expose(ext.Len)
	c.counters.mapping.Add(int64(time.Since(begun)))
	c.counters.calls.Add(registerCalls)
	return view{addr: addr, rkey: rkey}, err
}

// conceal takes a slot out of the device's reach, if it was exposed to it. One that stays there ends
// the connection, as a window does.
func (c *conn) conceal(slot mr.Lease) error {
	if !c.role.exposes {
		return nil
	}
	_ = failpoint.At("take-back")
	begun := time.Now()
	err := slot.Conceal()
	c.counters.mapping.Add(int64(time.Since(begun)))
	c.counters.calls.Add(registerCalls)
	if err == nil {
		return nil
	}
	c.fail(lost(fmt.Errorf("taking a slot back: %w", err)))
	return c.err()
}

// land brings what has arrived in a view of room's to dst, and returns its digest. By then
// the peer cannot write there any more: what is summed is what is written. A window that
// only this end's READs write to may stay registered.
func (c *conn) land(slot mr.Lease, v view, dst io.WriterAt, ext transport.Extent) (transport.Digest, error) {
	if v.window == nil {
		if err := c.conceal(slot); err != nil {
			return transport.Digest{}, err
		}
		digest := c.sum(slot.Bytes(), ext.Len)
		return digest, c.flush(slot.Bytes(), dst, ext)
	}
	if err := v.conceal(); err != nil { // the device may still write there
		c.fail(lost(fmt.Errorf("taking a part of a window back: %w", err)))
		return transport.Digest{}, c.err()
	}
	digest, err := c.ops[slot.Slot()].placer.look(v, ext.Len)
	if err := v.release(); err != nil {
		c.fail(lost(fmt.Errorf("taking a window back: %w", err)))
		return digest, c.err()
	}
	if err != nil {
		return digest, fmt.Errorf("%w: %w", transport.ErrSink, err)
	}
	return digest, nil
}

// hide gives up a use of a window. One that cannot be taken back ends the connection: the
// queue pairs go, and with them what could reach it.
func (c *conn) hide(u use) {
	_ = failpoint.At("take-back")
	if err := u.release(); err != nil {
		c.log.Warn("the page cache stays registered", slog.Any("error", err))
		c.fail(lost(fmt.Errorf("taking a window back: %w", err)))
	}
}
