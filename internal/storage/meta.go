package storage

import (
	"io/fs"
	"time"
)

// Meta is what is kept of a file besides its bytes.
type Meta struct {
	// Size is the file's length in bytes.
	Size int64

	// Mode has the permission bits. Setuid, setgid and sticky are not kept.
	Mode fs.FileMode

	// ModTime is the time of the last change, to the nanosecond. A Sink leaves
	// its file's time alone where ModTime is zero.
	ModTime time.Time

	// Allocated is what the file takes on disk, in bytes: less than Size where
	// the file has holes or is compressed. Zero means that it is not known.
	Allocated int64
}

// dense reports whether the file has no holes, as far as is known.
func (m Meta) dense() bool { return m.Allocated == 0 || m.Allocated >= m.Size }

// need returns the room that the file is known to take.
func (m Meta) need() int64 {
	if m.dense() {
		return m.Size
	}
	return m.Allocated
}
