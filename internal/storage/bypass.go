package storage

import (
	"errors"
	"os"
	"reflect"
	"sync"
	"syscall"
)

// bypass is a second way into a file that is open: past the page cache (O_DIRECT).
type bypass struct {
	once sync.Once
	file *os.File // nil: it is not to be had
	unit int      // bytes; what offsets, lengths and addresses are multiples of
	why  string   // it is not to be had
}

// reach opens the bypass of a file if that was not done, with the flags of open(2), and
// reports whether there is one.
func (b *bypass) reach(of func(fn func(fd int) error) error, flags int) bool {
	b.once.Do(func() {
		err := of(func(fd int) (err error) {
			b.file, b.unit, err = openBypass(fd, flags)
			return err
		})
		if err != nil {
			b.why = "O_DIRECT: " + err.Error()
		}
	})
	return b.file != nil
}

// whole is how many bytes from p's first on can be moved past the cache, for a file
// that ends at end. The last block of a file reaches beyond its end, and into p's
// capacity.
func (b *bypass) whole(p []byte, off, end int64) int {
	unit := int64(b.unit)
	n := int64(len(p))
	if off%unit != 0 || reflect.ValueOf(p).Pointer()%uintptr(unit) != 0 {
		return 0
	}
	if up := (n + unit - 1) &^ (unit - 1); off+n == end && up <= int64(cap(p)) {
		return int(up)
	}
	return int(n &^ (unit - 1))
}

// unfit reports whether a file system has refused O_DIRECT after all.
func unfit(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported)
}

// close closes it. There is nothing to be told of what was written: the file is synced
// by its other descriptor.
func (b *bypass) close() {
	if b.file != nil {
		_ = b.file.Close()
	}
}
