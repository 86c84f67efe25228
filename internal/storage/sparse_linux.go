package storage

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// seeksData says that this system tells where a file's bytes are.
const seeksData = true

// data returns where the file's first size bytes are not holes; nil if that is
// everywhere or the file system does not tell.
func (f *rawFile) data(size int64) ([]tree.Range, error) {
	data := []tree.Range{}
	for off := int64(0); off < size; {
		begin, err := f.seek(off, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			break // it is all hole from here on
		}
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		end := size
		if len(data) < maxLooked {
			if end, err = f.seek(begin, unix.SEEK_HOLE); err != nil && !errors.Is(err, unix.ENXIO) {
				return nil, err
			}
		}
		end = min(end, size)
		if begin >= end {
			break // it became longer, or shorter; whoever opens it will see
		}
		data = append(data, tree.Range{Off: begin, Len: end - begin})
		off = end
	}
	return data, nil
}

func (f *rawFile) seek(off int64, whence int) (int64, error) {
	at := int64(0)
	err := f.use(func(fd int) (err error) {
		at, err = unix.Seek(fd, off, whence)
		return err
	})
	return at, err
}
