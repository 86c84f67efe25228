package transport

import "syscall"

// Paged is a source or a sink that may know in which file an extent lies. A transport
// that can open the page cache to a NIC then has no need to copy the bytes.
type Paged interface {
	// Place calls take with the place of ext, if all of it lies in one file whose page
	// cache may be read, or written to, and reports whether take did what it wanted
	// with it. Only then is there no need for ReadAt or WriteAt, which say what is
	// wrong, if anything is. What take has got of a source was read; what it has got
	// of a sink is written as long as the connection has not said what became of ext.
	Place(ext Extent, take func(Place) error) bool
}

// Place is where the bytes of an extent lie.
type Place struct {
	File   syscall.Conn // open as long as take runs, for reading and for a sink for writing; comparable, as it tells files apart
	Volume uint64       // the device number of its file system
	Off    int64

	// Since and Until bound what there is around the extent: bytes that are to be
	// moved too, most likely, and no holes.
	Since, Until int64
}
