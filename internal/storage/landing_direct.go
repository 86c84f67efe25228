package storage

import "github.com/rdmacp/rdmacp/internal/transport"

var (
	_ transport.DirectWriter = (*landing)(nil)
	_ transport.Paged        = (*landing)(nil)
)

// WriteDirect is that of transport.DirectWriter.
func (l *landing) WriteDirect(b []byte, off int64) (transport.Moved, error) {
	if l.check {
		return transport.Moved{Bytes: len(b)}, nil
	}
	if err := l.ready(); err != nil {
		return transport.Moved{}, err
	}
	return l.sink.WriteDirect(b, off)
}

// Place is that of transport.Paged.
func (l *landing) Place(ext transport.Extent, take func(transport.Place) error) bool {
	return !l.check && l.ready() == nil && l.sink.Place(ext, take)
}
