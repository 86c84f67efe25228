// Package numa keeps memory and threads near a NIC, where a host has more than one NUMA node: what crosses the
// link between two sockets is slower, and takes from what others have there.
//
// Nothing here is needed for anything to work. Where the kernel does not let a process say where its memory is to be
// (a container's seccomp filter, mostly), it lies wherever it comes to lie.
package numa

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

const sysfs = "/sys/devices/system/node/"

// preferred is MPOL_PREFERRED of set_mempolicy(2).
const preferred = 1

// mostNodes is how many nodes a mask has bits for, as MAX_NUMNODES of the kernels that distributions build.
const mostNodes = 1024

// several reports whether the host has more than one node with memory.
var several = sync.OnceValue(func() bool {
	text, err := os.ReadFile(sysfs + "has_memory")
	return err == nil && len(parseList(string(text))) > 1
})

// useful reports whether it makes a difference to be near a node; -1 is none that is known.
func useful(node int) bool { return node >= 0 && node < mostNodes && several() }

// Near calls fn, and has the kernel take the pages that are made in it from a node, as long as that has any: those
// of private memory, and those of a page cache that nobody has asked for before (set_mempolicy(2), MPOL_PREFERRED).
func Near(node int, fn func()) {
	if !useful(node) {
		fn()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var mask [mostNodes / 64]uint64
	mask[node/64] |= 1 << (node % 64)
	_, _, errno := unix.Syscall(unix.SYS_SET_MEMPOLICY, preferred, uintptr(unsafe.Pointer(&mask)), mostNodes+1) // the kernel takes one bit off
	if errno == 0 {
		defer func() { _, _, _ = unix.Syscall(unix.SYS_SET_MEMPOLICY, 0, 0, 0) }() // MPOL_DEFAULT
	}
	fn()
}

// Stay keeps the calling goroutine, for good, on those of the CPUs that it may run on that belong to a node
// (sched_setaffinity(2)). Its thread is its own from here on, and ends with it.
func Stay(node int) {
	if !useful(node) {
		return
	}
	text, err := os.ReadFile(sysfs + "node" + strconv.Itoa(node) + "/cpulist")
	if err != nil {
		return
	}
	runtime.LockOSThread()
	var may, near unix.CPUSet
	if unix.SchedGetaffinity(0, &may) != nil {
		return
	}
	for _, cpu := range parseList(string(text)) {
		if may.IsSet(cpu) {
			near.Set(cpu)
		}
	}
	if near.Count() > 0 {
		_ = unix.SchedSetaffinity(0, &near)
	}
}

// parseList reads a list as the kernel writes it, 0-3,8; nothing of one that has a slip in it.
func parseList(text string) (all []int) {
	for part := range strings.SplitSeq(strings.TrimSpace(text), ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err != nil || err2 != nil || from < 0 || to < from || to-from > 1<<16 {
			return nil
		}
		for i := from; i <= to; i++ {
			all = append(all, i)
		}
	}
	return all
}
