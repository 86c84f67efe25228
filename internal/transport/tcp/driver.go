package tcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// driver is the active end. It asks for what the peer lent, or sends what is for it;
// nothing of it can be reached by the peer.
type driver struct {
	*end
	fabric *Fabric
	token  transport.Token
	lanes  []*lane       // by index; nil: not there yet. Guarded by end.mu until ready is closed
	ready  chan struct{} // closed once all lanes are there
	here   int           // of the lanes; guarded by end.mu
	free   chan struct{} // one token for each request that may be in flight
}

var _ transport.Driver = (*driver)(nil)

func newDriver(f *Fabric, s transport.Setup, token transport.Token) *driver {
	d := &driver{
		end: newEnd(f, s), fabric: f, token: token,
		lanes: make([]*lane, s.QPs), ready: make(chan struct{}), free: make(chan struct{}, s.Slots),
	}
	for range s.Slots {
		d.free <- struct{}{}
	}
	return d
}

// take takes one of the driver's connections over, and tells the lender so. Each comes
// once.
func (d *driver) take(index int, c net.Conn) error {
	l := &lane{driver: d, conn: c, out: make(chan *request, d.setup.Slots), awaited: make(chan *request, d.setup.Slots)}
	d.mu.Lock()
	if index >= len(d.lanes) || d.lanes[index] != nil {
		d.mu.Unlock()
		return errIndex
	}
	d.lanes[index] = l
	d.mu.Unlock()
	// The socket is new: this does not wait. What comes ahead of the answer's end is the
	// lender's breach.
	if _, err := io.WriteString(c, magic); err != nil {
		d.fail(lost(err))
		return err
	}
	if err := d.add(c, l.write, l.read); err != nil {
		return nil //nolint:nilerr // it was closed
	}
	d.mu.Lock()
	d.here++
	all := d.here == len(d.lanes)
	d.mu.Unlock()
	if all {
		close(d.ready)
		d.fabric.forget(d)
	}
	return nil
}

// Pull has the peer send its loan into a slab, and writes the slab to dst.
func (d *driver) Pull(ctx context.Context, t transport.Ticket, dst io.WriterAt, ext transport.Extent) (none transport.Digest, err error) {
	done, err := d.begin(ctx, t, ext)
	if err != nil {
		return none, err
	}
	defer done()
	slab := d.slabs.get()
	r := newRequest(opPull, t, payload{}, slab[:ext.Len])
	if err := d.run(ctx, r); err != nil {
		return none, err
	}
	defer d.release(r)
	digest := d.sum(r.into)
	if err := d.flush(slab, dst, ext); err != nil {
		return none, err
	}
	d.moved(ext.Len)
	return digest, nil
}

// Push sends ext of src, out of the page cache or a slab that it reads it into.
func (d *driver) Push(ctx context.Context, src io.ReaderAt, ext transport.Extent, t transport.Ticket) (none transport.Digest, err error) {
	done, err := d.begin(ctx, t, ext)
	if err != nil {
		return none, err
	}
	defer done()
	digest, sent, err := d.pushPages(ctx, src, ext, t)
	if !sent && err == nil {
		var p payload
		if p, digest, err = d.load(src, ext); err != nil {
			d.free <- struct{}{}
			return none, err
		}
		r := newRequest(opPush, t, p, nil)
		if err = d.run(ctx, r); err == nil {
			d.release(r)
		}
	}
	if err != nil {
		return none, err
	}
	d.moved(ext.Len)
	return digest, nil
}

// errShort says that a file has become shorter while it was sent.
var errShort = errors.New("tcp: the file has become shorter")

// pushPages is Push of what lies in a file, where that can be sent from where it lies.
// The extent counts as read only when the peer has it: nothing that is done to the file
// later can change what was sent.
func (d *driver) pushPages(ctx context.Context, src io.ReaderAt, ext transport.Extent, t transport.Ticket) (digest transport.Digest, sent bool, err error) {
	paged, ok := src.(transport.Paged)
	if !ok || ext.Len < leastPaged || d.setup.TLS {
		return digest, false, nil
	}
	short := false
	paged.Place(ext, func(p transport.Place) error {
		var pay payload
		var refused error
		if pay, digest, refused = d.show(p, ext.Len); refused != nil {
			return refused
		}
		r := newRequest(opPush, t, pay, nil)
		sent = true
		if err = d.run(ctx, r); err != nil {
			return err
		}
		defer d.release(r)
		if short = r.short; short {
			return errShort
		}
		return nil
	})
	if short {
		// Let the source say what has become of it: with no digest, nothing else would.
		slab := d.slabs.get()
		defer d.slabs.put(slab)
		err = d.fill(slab, src, ext)
	}
	return digest, sent, err
}

// begin takes a place in flight for a request. The caller has it until it calls run, and
// may touch files until it calls done.
func (d *driver) begin(ctx context.Context, t transport.Ticket, ext transport.Extent) (done func(), err error) {
	if err := d.check(ext); err != nil {
		return nil, err
	}
	if int(t.Len) != ext.Len {
		d.fail(lost(fmt.Errorf("the peer lent %d bytes for an extent of %d", t.Len, ext.Len)))
		return nil, d.err()
	}
	if done, err = d.use(); err != nil {
		return nil, err
	}
	if err = d.enter(ctx); err != nil {
		done()
		return nil, err
	}
	return done, nil
}

// enter waits until all connections are there, and then for a place in flight.
func (d *driver) enter(ctx context.Context) error {
	late := time.NewTimer(d.stall)
	defer late.Stop()
	select {
	case <-d.ready:
	case <-d.broken:
		return d.err()
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-late.C:
		d.fail(lost(fmt.Errorf("the peer has not made its connections within %v", d.stall)))
		return d.err()
	}
	if err := d.err(); err != nil {
		return err
	}
	select {
	case <-d.free:
		return nil
	case <-d.broken:
		return d.err()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// release gives back what a finished request holds.
func (d *driver) release(r *request) {
	if r.op == opPull {
		d.slabs.put(r.into)
	} else {
		d.slabs.put(r.payload.slab)
	}
	d.free <- struct{}{}
}

// Close ends the connection once nothing of it is in flight any more.
func (d *driver) Close() error {
	d.fabric.forget(d)
	d.shut()
	return nil
}
