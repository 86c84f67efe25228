package memory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// lender implements transport.Lender.
type lender struct {
	fabric *Fabric
	setup  transport.Setup
	slab   *slab
	life   *life
	driver atomic.Pointer[end] // nil until connected
	count  counter
}

func newLender(f *Fabric, s transport.Setup) *lender {
	key, base := f.name()
	return &lender{fabric: f, setup: s, slab: newSlab(s, key, base), life: newLife(f.dead[LenderSide])}
}

// LendSource reads ext into a slot and lends it.
func (l *lender) LendSource(ctx context.Context, src io.ReaderAt, ext transport.Extent) (transport.Loan, error) {
	slot, err := l.open(ctx, ext, transport.Put)
	if err != nil {
		return nil, err
	}
	if o := l.lendPages(slot, src, ext); o != nil {
		return o, nil
	}
	buf, start := l.slab.bytes(slot)[:ext.Len], time.Now()
	copied, err := readFull(src, buf, ext.Off)
	if err != nil {
		l.slab.giveBack(slot)
		return nil, err
	}
	read := time.Now()
	digest := l.setup.Sum(buf)
	l.count.add(transport.Stats{Source: read.Sub(start), Digest: time.Since(read), CopiedBytes: copied})
	return &loan{lender: l, ticket: l.slab.lend(slot, ext.Len, nil), digest: digest}, nil
}

// LendSink lends a slot to be written.
func (l *lender) LendSink(ctx context.Context, dst io.WriterAt, ext transport.Extent) (transport.Loan, error) {
	slot, err := l.open(ctx, ext, transport.Get)
	if err != nil {
		return nil, err
	}
	arrived := make(chan struct{})
	return &loan{lender: l, ticket: l.slab.lend(slot, ext.Len, arrived), arrived: arrived, dst: dst, off: ext.Off}, nil
}

// open takes a slot for ext.
func (l *lender) open(ctx context.Context, ext transport.Extent, d transport.Direction) (uint16, error) {
	if err := l.life.alive(ctx); err != nil {
		return 0, err
	}
	if ext.Len < 1 || ext.Len > l.slab.stride || d != l.slab.access {
		return 0, fmt.Errorf("memory: lending %d bytes of a connection for a %s of %d", ext.Len, l.slab.access, l.slab.stride)
	}
	if err := l.life.sleep(ctx, l.fabric.faults.lending(ext.Off)); err != nil {
		return 0, err
	}
	return l.slab.take(ctx, l.life)
}

// Stats returns what the connection did so far.
func (l *lender) Stats() transport.Stats { return l.count.get() }

// Close takes back whatever is lent and ends the connection.
func (l *lender) Close() error {
	l.slab.revoke()
	l.life.end(transport.ErrClosed)
	return nil
}

// readFull fills buf from offset off of src. The error io.EOF that may come with
// the last byte is none.
func readFull(src io.ReaderAt, buf []byte, off int64) (copied uint64, err error) {
	m, err := transport.ReadInto(slices.Clip(buf), src, off)
	switch {
	case m.Bytes == len(buf):
		return uint64(m.Copied), nil
	case err == nil || errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return 0, fmt.Errorf("%w: %w", transport.ErrSource, err)
}

// writeFull writes buf at offset off of dst, all of it.
func writeFull(dst io.WriterAt, buf []byte, off int64) (copied uint64, err error) {
	m, err := transport.WriteFrom(slices.Clip(buf), dst, off)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", transport.ErrSink, err)
	}
	return uint64(m.Copied), nil
}

// counter adds up Stats.
type counter struct {
	mu sync.Mutex
	s  transport.Stats
}

func (c *counter) get() transport.Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.s
}

func (c *counter) add(d transport.Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Bytes += d.Bytes
	c.s.Chunks += d.Chunks
	c.s.CopiedBytes += d.CopiedBytes
	c.s.PagedBytes += d.PagedBytes
	c.s.Windows += d.Windows
	c.s.WorkReqs += d.WorkReqs
	c.s.Completions += d.Completions
	c.s.Wakeups += d.Wakeups
	c.s.Source += d.Source
	c.s.Wire += d.Wire
	c.s.Sink += d.Sink
	c.s.Digest += d.Digest
}
