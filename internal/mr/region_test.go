package mr

import (
	"testing"
	"unsafe"
)

// TestRandomIOVA: an address has the offset in a page of any size that the memory has,
// never makes a region overflow, and differs from time to time.
func TestRandomIOVA(t *testing.T) {
	t.Parallel()
	mem := make([]byte, 4096)
	at := uint64(uintptr(unsafe.Pointer(&mem[0])))
	seen := map[uint64]bool{}
	for range 100 {
		v := randomIOVA(mem)
		if seen[v] || v>>usedBits != 0 || (v^at)&(1<<keptBits-1) != 0 {
			t.Errorf("%#x for memory at %#x; seen: %v", v, at, seen[v])
		}
		seen[v] = true
	}
}
