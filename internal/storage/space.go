package storage

import (
	"errors"
	"fmt"
	"math/bits"
	"syscall"

	"github.com/dustin/go-humanize"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// reserve sees to it that the file will fit, before a byte of it moves.
func (s *Sink) reserve() error {
	if err := s.checkSpace(); err != nil {
		return err
	}
	if err := s.seam.do(stepResize, func() error { return s.file.Truncate(s.meta.Size) }); err != nil {
		return s.wrap("creating", err)
	}
	if s.meta.Size == 0 || !s.meta.Dense() {
		return nil
	}
	return s.preallocate()
}

// preallocate takes the room that the file needs.
func (s *Sink) preallocate() error {
	err := s.seam.do(stepPreallocate, func() error { return preallocate(s.file, s.meta.Size) })
	if !matters(err) {
		return nil
	}
	if errors.Is(err, syscall.ENOSPC) {
		return s.noSpace("less is free", err)
	}
	return s.wrap("creating", err)
}

// small is the size, in bytes, up to which a file is neither measured against the
// free space nor preallocated: that would take longer than to write it.
const small = 1 << 20

// whySmall is why a small file is copied.
var whySmall = "zero copy is for files of more than " + humanize.IBytes(small)

// start opens the partial file for an entry, unless it is open, and sees to it that
// the entry will fit. Where part of it may be taken over from another file, only
// the writes can tell.
func (s *Sink) start(e tree.Entry, shares bool) error {
	if s.file == nil {
		if err := s.openPartial(); err != nil {
			return err
		}
	}
	m := e.Meta
	if m.Size == tree.Streamed || m.Size <= small && e.Data == nil && s.fresh {
		return nil
	}
	if e.Data != nil {
		s.meta.Allocated = max(1, tree.RangesOf(e.Data).Bytes())
	}
	if !shares {
		if err := s.checkSpace(); err != nil {
			return err
		}
	}
	if err := s.seam.do(stepResize, func() error { return s.file.Truncate(m.Size) }); err != nil {
		return s.wrap("creating", err)
	}
	if shares || e.Data != nil || !s.meta.Dense() {
		return nil
	}
	return s.preallocate()
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
	if err != nil || !known || free >= uint64(s.missing()) {
		return nil //nolint:nilerr // see above
	}
	return s.noSpace(humanize.IBytes(free)+" are free", syscall.ENOSPC)
}

// missing returns the room that the file will take and does not have yet.
func (s *Sink) missing() int64 {
	need := s.meta.Need()
	if s.fresh || s.file == nil {
		return need
	}
	info, err := s.file.Stat()
	if err != nil {
		return need
	}
	return max(0, need-allocated(s.file, info))
}

func (s *Sink) noSpace(free string, err error) error {
	return fault.New(fault.NoSpace, "creating "+s.place.shown(),
		fmt.Errorf("it needs %s, %s: %w", humanize.IBytes(uint64(s.meta.Need())), free, err), fixSpace)
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
