package storage

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// take copies what from holds at r to the same place of to. Where the file system
// can, both share it from then on; else the kernel copies.
func take(to, from *os.File, r tree.Range) error {
	const most = 1 << 30 // in one call
	for r.Len > 0 {
		in, out, n := r.Off, r.Off, 0
		err := control(from, func(src int) error {
			return control(to, func(dst int) (err error) {
				n, err = unix.CopyFileRange(src, &in, dst, &out, int(min(r.Len, most)), 0)
				return err
			})
		})
		switch {
		case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT), errors.Is(err, unix.EIO):
			return err
		case err != nil || n <= 0:
			return transfer(to, from, r) // the kernel does not do it here
		}
		r.Off += int64(n)
		r.Len -= int64(n)
	}
	return nil
}

// nextData returns what is left of r from its first byte on that is not in a hole,
// or an empty range.
func nextData(f *os.File, r tree.Range) tree.Range {
	off := r.Off
	err := control(f, func(fd int) (err error) {
		off, err = unix.Seek(fd, r.Off, unix.SEEK_DATA)
		return err
	})
	switch {
	case errors.Is(err, unix.ENXIO):
		off = r.End()
	case err != nil:
		return r
	}
	off = min(max(off, r.Off), r.End())
	return tree.Range{Off: off, Len: r.End() - off}
}

// punch makes a hole.
func punch(f *os.File, r tree.Range) error {
	return control(f, func(fd int) error {
		return unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, r.Off, r.Len)
	})
}

// dropCache makes the next reads of f come from the disk. What is not synced yet
// stays.
func dropCache(f *os.File) error {
	return control(f, func(fd int) error { return unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED) })
}

// syncData brings a file's bytes to stable storage.
func syncData(f *os.File) error { return control(f, unix.Fdatasync) }
