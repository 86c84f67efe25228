package storage

import (
	"errors"
	"fmt"
	"math/bits"
	"syscall"

	"github.com/dustin/go-humanize"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// reserve sees to it that the file will fit, before a byte of it moves.
func (s *Sink) reserve() error {
	if err := s.checkSpace(); err != nil {
		return err
	}
	if err := s.seam.do(stepResize, func() error { return s.file.Truncate(s.meta.Size) }); err != nil {
		return s.wrap("creating", err)
	}
	if s.meta.Size == 0 || !s.meta.dense() {
		return nil
	}
	err := s.seam.do(stepPreallocate, func() error { return preallocate(s.file, s.meta.Size) })
	if !matters(err) {
		return nil
	}
	if errors.Is(err, syscall.ENOSPC) {
		return s.noSpace("less is free", err)
	}
	return s.wrap("creating", err)
}

// checkSpace compares what the file takes with what is free. Where the latter
// cannot be found out, the writes will tell.
func (s *Sink) checkSpace() error {
	var free uint64
	known := false
	err := s.seam.do(stepSpace, func() (err error) {
		free, known, err = freeSpace(s.file)
		return err
	})
	if err != nil || !known || free >= uint64(s.meta.need()) {
		return nil //nolint:nilerr // see above
	}
	return s.noSpace(humanize.IBytes(free)+" are free", syscall.ENOSPC)
}

func (s *Sink) noSpace(free string, err error) error {
	return fault.New(fault.NoSpace, "creating "+s.place.path,
		fmt.Errorf("it needs %s, %s: %w", humanize.IBytes(uint64(s.meta.need())), free, err), fixSpace)
}

// matters reports whether a preallocation failed for a reason that the writes
// would meet too, rather than for want of support.
func matters(err error) bool {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EFBIG} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// product multiplies; some file systems claim more blocks than have a size in
// bytes.
func product(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	if high != 0 {
		return ^uint64(0)
	}
	return low
}
