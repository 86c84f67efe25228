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
	n, err := src.ReadAt(slot[:ext.Len], ext.Off)
	c.counters.source.Add(int64(time.Since(begun)))
	c.counters.copied.Add(uint64(n))
	if n == ext.Len {
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
	n, err := dst.WriteAt(slot[:ext.Len], ext.Off)
	c.counters.sink.Add(int64(time.Since(begun)))
	c.counters.copied.Add(uint64(n))
	if err == nil && n < ext.Len {
		err = io.ErrShortWrite
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
