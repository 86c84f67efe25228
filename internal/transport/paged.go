package transport

import "syscall"

// Paged is a source that may know in which file an extent lies. A transport that can
// show the page cache to a NIC then has no need to copy the bytes.
type Paged interface {
	// Place calls take with the place of ext, if all of it lies in one file, and
	// reports whether take did what it wanted with it: only then was the extent read.
	// Otherwise ReadAt is there, which says what is wrong, if anything is.
	Place(ext Extent, take func(Place) error) bool
}

// Place is where the bytes of an extent lie.
type Place struct {
	File   syscall.Conn // open for reading as long as take runs; comparable, as it tells files apart
	Volume uint64       // the device number of its file system
	Off    int64

	// Since and Until bound what of the file there is around the extent: bytes that
	// are to be moved too, most likely, and no holes.
	Since, Until int64
}
