package storage

import (
	"errors"
	"io"
	"sync"

	"github.com/zeebo/xxh3"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// buffers are for reading files in pieces.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 256<<10)
	return &b
}}

// sumOf returns the digest of what f holds at r. It is io.ErrUnexpectedEOF if f
// does not hold all of it.
func sumOf(f io.ReaderAt, r tree.Range) (transport.Digest, error) {
	h := xxh3.New()
	if err := feed(h, f, r); err != nil {
		return transport.Digest{}, err
	}
	return transport.Digest(h.Sum128().Bytes()), nil
}

// feed writes what f holds at r to w.
func feed(w io.Writer, f io.ReaderAt, r tree.Range) error {
	b := buffers.Get().(*[]byte)
	defer buffers.Put(b)
	for r.Len > 0 {
		part := (*b)[:min(r.Len, int64(len(*b)))]
		n, err := f.ReadAt(part, r.Off)
		switch {
		case n == len(part):
		case err == nil || errors.Is(err, io.EOF):
			return io.ErrUnexpectedEOF
		default:
			return err
		}
		if _, err := w.Write(part); err != nil {
			return err
		}
		r.Off += int64(n)
		r.Len -= int64(n)
	}
	return nil
}

// wholeDigest returns the digest of the first size bytes of f.
func wholeDigest(a tree.Algorithm, f io.ReaderAt, size int64) ([]byte, error) {
	h := a.New()
	if h == nil {
		return nil, errors.New("nobody has said how the digest is made")
	}
	if err := feed(h, f, tree.Range{Off: 0, Len: size}); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// transfer copies what from holds at r to the same place of to.
func transfer(to io.WriterAt, from io.ReaderAt, r tree.Range) error {
	return feed(io.NewOffsetWriter(to, r.Off), from, r)
}
