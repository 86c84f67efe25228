package tcp

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// fill reads ext of src into a slab.
func (e *end) fill(slab []byte, src io.ReaderAt, ext transport.Extent) error {
	defer e.spent(transport.InSource, time.Now(), &e.source)
	m, err := transport.ReadInto(slab[:ext.Len], src, ext.Off)
	switch {
	case e.setup.TLS:
		m.Why = "under TLS a CPU has to encrypt what is sent"
	case ext.Len < leastPaged:
		m.Why = "a short chunk costs less to copy than to send out of the page cache"
	}
	e.took(m)
	if m.Bytes == ext.Len {
		return nil // io.EOF together with all bytes is no error
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", transport.ErrSource, err)
}

// flush writes a slab to ext of dst.
func (e *end) flush(slab []byte, dst io.WriterAt, ext transport.Extent) error {
	defer e.spent(transport.InSink, time.Now(), &e.sink)
	m, err := transport.WriteFrom(slab[:ext.Len], dst, ext.Off)
	e.took(m)
	if err != nil {
		return fmt.Errorf("%w: %w", transport.ErrSink, err)
	}
	return nil
}

// sum returns the digest of b.
func (e *end) sum(b []byte) transport.Digest {
	defer e.spent(transport.InDigest, time.Now(), &e.digest)
	return e.setup.Sum(b)
}
