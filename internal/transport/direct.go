package transport

import (
	"cmp"
	"errors"
	"io"

	"github.com/dustin/go-humanize"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// DirectReader is a source, and DirectWriter a sink, that may move bytes between its
// storage and p without a copy by a CPU (O_DIRECT). What p holds between its length and
// its capacity is theirs to use: whole blocks are moved.
type DirectReader interface {
	ReadDirect(p []byte, off int64) (Moved, error) // like io.ReaderAt
}

// DirectWriter is the sink's side of DirectReader.
type DirectWriter interface {
	WriteDirect(p []byte, off int64) (Moved, error) // like io.WriterAt
}

// Moved is what became of bytes that were to be read or written.
type Moved struct {
	Bytes  int    // read or written, or passed over since nobody needs them
	Copied int    // of these: by a CPU
	Direct int    // of these: by a disk alone
	Why    string // why they were copied; one line for people, empty if nobody knows
}

// Add counts others.
func (m *Moved) Add(n Moved) {
	m.Bytes += n.Bytes
	m.Copied += n.Copied
	m.Direct += n.Direct
	m.Why = cmp.Or(m.Why, n.Why)
}

// ReadInto reads p from a source in the best way that it has.
func ReadInto(p []byte, src io.ReaderAt, off int64) (Moved, error) {
	if d, ok := src.(DirectReader); ok {
		return d.ReadDirect(p, off)
	}
	n, err := src.ReadAt(p, off)
	return Moved{Bytes: n, Copied: n}, err
}

// WriteFrom writes p to a sink in the best way that it has. A sink that writes less, and
// says nothing of it, has failed.
func WriteFrom(p []byte, dst io.WriterAt, off int64) (m Moved, err error) {
	if d, ok := dst.(DirectWriter); ok {
		m, err = d.WriteDirect(p, off)
	} else {
		m.Bytes, err = dst.WriteAt(p, off)
		m.Copied = m.Bytes
	}
	if err == nil && m.Bytes < len(p) {
		err = io.ErrShortWrite
	}
	return m, err
}

// CopiedFault says that a CPU had to copy bytes of an extent where Setup.ZeroCopy
// forbids it; refused is why the page cache could not be used, if that was tried.
func CopiedFault(m Moved, ext Extent, refused string) error {
	return fault.New(fault.Copied, "moving "+humanize.IBytes(uint64(ext.Len))+" without a copy by a CPU",
		errors.New(cmp.Or(refused, m.Why, "what it is read from or written to has no other way")),
		"see docs/zerocopy.md for what it takes, or leave out --require-zero-copy")
}
