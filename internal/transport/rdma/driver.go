package rdma

import (
	"context"
	"fmt"
	"io"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/verbs"
)

// driver is the active end. It posts READs and WRITEs; nothing of it can be
// reached by the peer.
type driver struct{ *conn }

var _ transport.Driver = driver{}

// newDriver takes a connected end over.
func newDriver(e *end, peer transport.Endpoint) (transport.Driver, error) {
	c := newConn(e, peer, func(verbs.WC) {})
	c.run()
	e.vctx.add(c)
	return driver{c}, nil
}

// Pull READs the peer's loan into dst's page cache, or into a slot that it then writes to dst.
func (d driver) Pull(ctx context.Context, t transport.Ticket, dst io.WriterAt, ext transport.Extent) (none transport.Digest, err error) {
	if err := d.fits(t, ext); err != nil {
		return none, err
	}
	lease, err := d.take(ctx)
	if err != nil {
		return none, err
	}
	defer d.done()
	v, err := d.room(lease, dst, ext)
	if err != nil {
		d.release(lease)
		return none, err
	}
	o := &d.ops[lease.Slot()]
	o.wrs = reads(o.wrs[:0], uint64(lease.Slot()), v, t)
	if err := d.transfer(ctx, o, lease, v.use); err != nil {
		return none, err
	}
	defer d.release(lease)
	digest, err := d.land(lease, v, dst, ext)
	if err != nil {
		return none, err
	}
	d.counters.moved(ext.Len)
	return digest, nil
}

// reads cuts the READ of a loan into pieces, which it appends to none. READs of a queue pair
// complete in order, so the completion of the last speaks for all.
func reads(wrs []verbs.SendWR, id uint64, v view, t transport.Ticket) []verbs.SendWR {
	for off := uint32(0); off < t.Len; off += readPiece {
		wrs = append(wrs, verbs.SendWR{
			ID: id, Op: verbs.OpRead,
			Local: v.addr + uint64(off), LKey: v.lkey,
			Remote: t.Addr + uint64(off), RKey: verbs.Key(t.RKey),
			Len: min(readPiece, t.Len-off),
		})
	}
	wrs[len(wrs)-1].Flags = verbs.SendSignaled
	return wrs
}

// Push WRITEs ext of src, out of the page cache or a slot that it reads it into, into the peer's loan. The
// immediate tells the peer, behind the bytes, which loan they are for.
func (d driver) Push(ctx context.Context, src io.ReaderAt, ext transport.Extent, t transport.Ticket) (none transport.Digest, err error) {
	if err := d.fits(t, ext); err != nil {
		return none, err
	}
	lease, err := d.take(ctx)
	if err != nil {
		return none, err
	}
	defer d.done()
	v, digest, err := d.show(lease, src, ext)
	if err != nil {
		d.release(lease)
		return none, err
	}
	o := &d.ops[lease.Slot()]
	o.wrs = append(o.wrs[:0], verbs.SendWR{
		ID: uint64(lease.Slot()), Op: verbs.OpWriteImm, Flags: verbs.SendSignaled,
		Local: v.addr, LKey: v.lkey,
		Remote: t.Addr, RKey: verbs.Key(t.RKey), Len: uint32(ext.Len), Imm: t.Imm(),
	})
	if err := d.transfer(ctx, o, lease, v.use); err != nil {
		return none, err
	}
	d.hide(v.use)
	d.release(lease)
	d.counters.moved(ext.Len)
	return digest, nil
}

// fits refuses an extent that no slot holds. A loan of another length is the
// peer's fault, and breaks the connection.
func (d driver) fits(t transport.Ticket, ext transport.Extent) error {
	if err := d.check(ext); err != nil {
		return err
	}
	if int(t.Len) != ext.Len {
		d.fail(lost(fmt.Errorf("the peer lent %d bytes for an extent of %d", t.Len, ext.Len)))
		return d.err()
	}
	return nil
}
