package rdma

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// fill reads ext of src into a slot.
func (c *conn) fill(slot []byte, src io.ReaderAt, ext transport.Extent) error {
	begun := time.Now()
	m, err := transport.ReadInto(slot[:ext.Len], src, ext.Off)
	c.counters.source.Add(int64(time.Since(begun)))
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
	c.counters.sink.Add(int64(time.Since(begun)))
	if err := c.took(m, ext); err != nil {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w: %w", transport.ErrSink, err)
	}
	return nil
}

// sum returns the digest of a slot's first n bytes.
func (c *conn) sum(slot []byte, n int) transport.Digest {
	begun := time.Now()
	defer func() { c.counters.digest.Add(int64(time.Since(begun))) }()
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
