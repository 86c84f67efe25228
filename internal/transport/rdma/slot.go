package rdma

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// fill reads ext of src into a slot.
func (c *conn) fill(slot []byte, src io.ReaderAt, ext transport.Extent) error {
	begun := time.Now()
	m, err := transport.ReadInto(slot[:ext.Len], src, ext.Off)
	c.spent(transport.InSource, begun, &c.counters.source)
	if err := c.took(m, ext); err != nil {
		return err
	}
	if m.Bytes == ext.Len {
		return nil // io.EOF together with all bytes is no error
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", transport.ErrSource, err)
}

// flush writes a slot to ext of dst.
func (c *conn) flush(slot []byte, dst io.WriterAt, ext transport.Extent) error {
	begun := time.Now()
	m, err := transport.WriteFrom(slot[:ext.Len], dst, ext.Off)
	c.spent(transport.InSink, begun, &c.counters.sink)
	if err := c.took(m, ext); err != nil {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w: %w", transport.ErrSink, err)
	}
	return nil
}

// spent counts how long a chunk was in a stage.
func (c *conn) spent(s transport.Stage, begun time.Time, of *atomic.Int64) {
	d := time.Since(begun)
	of.Add(int64(d))
	c.tally.latencies.Add(s, d)
}

// sum returns the digest of a slot's first n bytes.
func (c *conn) sum(slot []byte, n int) transport.Digest {
	begun := time.Now()
	defer c.spent(transport.InDigest, begun, &c.counters.digest)
	return c.setup.Sum(slot[:n])
}

// took counts what went through a slot, and fails where a CPU has copied it and was not
// to.
func (c *conn) took(m transport.Moved, ext transport.Extent) error {
	if c.pages != nil && ext.Len < leastPaged && !c.setup.ZeroCopy {
		m.Why = "a short chunk costs less to copy than to map"
	}
	c.counters.took(m)
	if !c.setup.ZeroCopy || m.Copied == 0 {
		return nil
	}
	return transport.CopiedFault(m, ext, c.pages.refusal())
}
