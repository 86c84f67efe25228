package mr

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size in bytes of a huge page on every platform that matters here: a
// PMD-sized page on amd64, and on arm64 with 4 KiB pages.
const hugePage = 2 << 20

// mapping is anonymous memory.
type mapping struct {
	raw  []byte // as mmap returned it, for munmap
	mem  []byte // the part that is used
	huge bool   // made of reserved huge pages
}

// mapAnonymous maps size bytes, a multiple of the page size, and makes their pages.
// Reserved huge pages are tried first, for they make a device's translation table 512
// times shorter; then normal memory that is ready to be made of transparent ones.
func mapAnonymous(size int) (*mapping, error) {
	if size >= hugePage {
		// The pages that are left of a host's reserve may be too few, or a cgroup
		// may forbid them: any error means the next best.
		if m, err := mapReserved(size); err == nil {
			return m, nil
		}
	}
	return mapNormal(size)
}

// mapReserved maps memory made of the host's reserved huge pages.
func mapReserved(size int) (*mapping, error) {
	const hugeTLB = unix.MAP_HUGETLB | 21<<unix.MAP_HUGE_SHIFT // 2 MiB, whatever the host's default
	raw, err := mmap(roundUp(size, hugePage), hugeTLB)
	if err != nil {
		return nil, err
	}
	m := &mapping{raw: raw, mem: raw[:size:size], huge: true}
	if err := m.populate(); err != nil {
		return nil, errors.Join(err, m.unmap())
	}
	return m, nil
}

// mapNormal maps memory that begins on a boundary of huge pages and is as long as
// whole ones, where that is not longer than all of it. Small pages at either end would
// keep a device from describing the rest with large ones.
func mapNormal(size int) (*mapping, error) {
	if size < hugePage {
		raw, err := mmap(size, 0)
		if err != nil {
			return nil, err
		}
		m := &mapping{raw: raw, mem: raw}
		if err := m.populate(); err != nil {
			return nil, errors.Join(err, m.unmap())
		}
		return m, nil
	}

	whole := roundUp(size, hugePage)
	raw, err := mmap(whole+hugePage, 0) // what lies before the boundary stays untouched, and costs nothing
	if err != nil {
		return nil, err
	}
	start := int(-uintptr(unsafe.Pointer(unsafe.SliceData(raw))) & (hugePage - 1))
	m := &mapping{raw: raw, mem: raw[start : start+size : start+size]}
	// A kernel without transparent huge pages says EINVAL, and small ones do too.
	_ = unix.Madvise(raw[start:start+whole], unix.MADV_HUGEPAGE)
	if err := m.populate(); err != nil {
		return nil, errors.Join(err, m.unmap())
	}
	return m, nil
}

func mmap(size, flags int) ([]byte, error) {
	raw, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|flags)
	if err != nil {
		return nil, fmt.Errorf("mmap: %w", err)
	}
	return raw, nil
}

// populate makes the pages now, so that a lack of memory is an error here, and not a
// SIGBUS at the first touch or a slow registration.
func (m *mapping) populate() error {
	// Users' files pass through here; they have no place in a core dump.
	_ = unix.Madvise(m.raw, unix.MADV_DONTDUMP)

	err := unix.Madvise(m.mem, unix.MADV_POPULATE_WRITE)
	if errors.Is(err, unix.EINVAL) && !m.huge {
		return nil // older than Linux 5.14: registration makes the pages
	}
	if err != nil {
		return fmt.Errorf("populating: %w", err)
	}
	return nil
}

// unmap gives the memory back.
func (m *mapping) unmap() error {
	if err := unix.Munmap(m.raw); err != nil {
		return fmt.Errorf("munmap: %w", err)
	}
	return nil
}
