package mr

import (
	"math"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/testenv"
)

func TestMapNormal(t *testing.T) {
	t.Parallel()
	for _, size := range []int{4096, hugePage - 4096, hugePage, hugePage + 4096, 5 * hugePage} {
		m, err := mapNormal(size)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.mem) != size || cap(m.mem) != size || m.huge {
			t.Errorf("%d of %d bytes, huge %v", len(m.mem), cap(m.mem), m.huge)
		}
		if size >= hugePage && uintptr(unsafe.Pointer(&m.mem[0]))%hugePage != 0 {
			t.Errorf("%d bytes do not begin on a huge page", size)
		}
		if n := resident(t, m.mem); n != size {
			t.Errorf("%d of %d bytes are there", n, size)
		}
		m.mem[0], m.mem[size-1] = 1, 1
		if err := m.unmap(); err != nil {
			t.Error(err)
		}
	}
}

// A host without reserved huge pages, or with too few, is served all the same.
func TestMapReserved(t *testing.T) {
	t.Parallel()
	if m, err := mapReserved(math.MaxInt / 2 &^ (hugePage - 1)); err == nil {
		t.Error("half of all addresses are huge pages")
		_ = m.unmap()
	}
	m, err := mapReserved(hugePage + 4096)
	if err != nil {
		testenv.Missing(t, "reserved huge pages: %v", err)
	}
	if len(m.mem) != hugePage+4096 || !m.huge {
		t.Errorf("%d bytes, huge %v", len(m.mem), m.huge)
	}
	m.mem[0], m.mem[len(m.mem)-1] = 1, 1
	if err := m.unmap(); err != nil {
		t.Error(err)
	}
}

// resident counts the bytes of mem that have a page.
func resident(t *testing.T, mem []byte) int {
	t.Helper()
	page := unix.Getpagesize()
	vec := make([]byte, len(mem)/page)
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&mem[0])), uintptr(len(mem)), uintptr(unsafe.Pointer(&vec[0])))
	if errno != 0 {
		t.Fatal(errno)
	}
	n := 0
	for _, v := range vec {
		n += int(v&1) * page
	}
	return n
}
