package memory

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// driver implements transport.Driver.
type driver struct {
	fabric  *Fabric
	end     *end
	lender  *lender
	life    *life
	staging chan []byte
	count   counter

	mu     sync.Mutex
	tries  map[int64]uint64 // work requests so far, by the extent's offset
	onWire sync.WaitGroup
}

func newDriver(f *Fabric, e *end, l *lender) *driver {
	d := &driver{
		fabric: f, end: e, lender: l, life: newLife(f.dead[DriverSide]),
		staging: make(chan []byte, e.setup.Slots), tries: map[int64]uint64{},
	}
	for range e.setup.Slots {
		d.staging <- make([]byte, e.setup.ChunkSize)
	}
	return d
}

// Pull copies the lent source that t names into ext of dst.
func (d *driver) Pull(ctx context.Context, t transport.Ticket, dst io.WriterAt, ext transport.Extent) (transport.Digest, error) {
	buf, err := d.stage(ctx, ext)
	if err != nil {
		return transport.Digest{}, err
	}
	defer d.unstage(buf)
	buf = buf[:ext.Len]
	if err := d.carry(ctx, request{t, ext, buf, false}); err != nil {
		return transport.Digest{}, err
	}
	start := time.Now()
	digest := d.end.setup.Sum(buf)
	hashed := time.Now()
	copied, err := writeFull(dst, buf, ext.Off)
	if err != nil {
		return transport.Digest{}, err
	}
	d.count.add(transport.Stats{
		Bytes: uint64(ext.Len), Chunks: 1, CopiedBytes: copied,
		Digest: hashed.Sub(start), Sink: time.Since(hashed),
	})
	return digest, nil
}

// Push copies ext of src into the lent sink that t names.
func (d *driver) Push(ctx context.Context, src io.ReaderAt, ext transport.Extent, t transport.Ticket) (transport.Digest, error) {
	buf, err := d.stage(ctx, ext)
	if err != nil {
		return transport.Digest{}, err
	}
	defer d.unstage(buf)
	buf = buf[:ext.Len]
	start := time.Now()
	copied, err := readFull(src, buf, ext.Off)
	if err != nil {
		return transport.Digest{}, err
	}
	read := time.Now()
	digest := d.end.setup.Sum(buf)
	d.count.add(transport.Stats{CopiedBytes: copied, Source: read.Sub(start), Digest: time.Since(read)})
	if err := d.carry(ctx, request{t, ext, buf, true}); err != nil {
		return transport.Digest{}, err
	}
	d.count.add(transport.Stats{Bytes: uint64(ext.Len), Chunks: 1})
	return digest, nil
}

// stage waits for a buffer to work in.
func (d *driver) stage(ctx context.Context, ext transport.Extent) ([]byte, error) {
	if err := d.life.alive(ctx); err != nil {
		return nil, err
	}
	if ext.Len < 1 || ext.Len > d.end.setup.ChunkSize {
		return nil, fmt.Errorf("memory: moving %d bytes over a connection for %d", ext.Len, d.end.setup.ChunkSize)
	}
	select {
	case buf := <-d.staging:
		return buf, nil
	case <-d.life.ended:
		return nil, d.life.err()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// unstage gives a buffer back, poisoned.
func (d *driver) unstage(buf []byte) {
	for i := range buf {
		buf[i] = poison
	}
	d.staging <- buf
}

// Stats returns what the connection did so far.
func (d *driver) Stats() transport.Stats { return d.count.get() }

// Close ends the connection and waits until nothing is on the wire any more.
func (d *driver) Close() error {
	d.mu.Lock() // no request is posted from here on
	d.life.end(transport.ErrClosed)
	d.mu.Unlock()
	d.onWire.Wait()
	d.fabric.forget(d.end)
	return nil
}
