package mr

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/verbs"
)

// ErrGone answers where a file has no longer what is to be mapped, or was mapped, of it.
var ErrGone = errors.New("mr: the file has become shorter")

// Window is a part of a file's page cache that a device may read, or write to. Its
// pages are the kernel's own, mapped shared: nothing is copied, and what is written
// to the file shows.
type Window struct {
	mem    []byte
	start  int64 // offset of mem in the file
	region region
	budget *Budget
}

// MapFile maps n bytes at off of a file, brings them into memory and registers them in
// pd with the given access. Where that lets anybody write, the file has to be open for
// writing, too, and to live in memory (tmpfs): other file systems would not notice that
// a page that they have written back is written to again. The bytes are reserved in
// budget first.
//
// Kernels before 6.2 pin shared pages of a file for writing only, and answer EFAULT
// otherwise. Never is a private mapping tried in its place: pinning one copies each page.
func MapFile(pd *verbs.PD, budget *Budget, file syscall.RawConn, off int64, n int, access verbs.Access) (*Window, error) {
	return mapFile(registerIn(pd), budget, file, off, n, access)
}

func mapFile(register registrar, budget *Budget, file syscall.RawConn, off int64, n int, access verbs.Access) (_ *Window, err error) {
	if off < 0 || n < 1 {
		return nil, fmt.Errorf("mr: %d bytes at %d cannot be mapped", n, off)
	}
	start := off &^ int64(os.Getpagesize()-1)
	size := n + int(off-start)
	if err := budget.reserve(uint64(size)); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			budget.release(uint64(size))
		}
	}()
	mem, err := mapShared(file, start, size, access.Writes())
	if err != nil {
		return nil, err
	}
	reg, err := register(mem, access)
	if errors.Is(err, unix.EFAULT) && !access.Writes() {
		err = fmt.Errorf("%w (kernels before 6.2 pin pages of a file for writing only)", err)
	}
	if err != nil {
		return nil, errors.Join(registerFault(uint64(size), err, readLimits), unix.Munmap(mem))
	}
	return &Window{mem: mem, start: start, region: reg, budget: budget}, nil
}

// mapShared maps pages of a file and brings them into memory: registering does that
// too, but one page at a time.
func mapShared(file syscall.RawConn, start int64, size int, writes bool) (mem []byte, err error) {
	protection, populate := unix.PROT_READ, unix.MADV_POPULATE_READ
	if writes {
		protection, populate = unix.PROT_READ|unix.PROT_WRITE, unix.MADV_POPULATE_WRITE
	}
	if outer := file.Control(func(fd uintptr) {
		mem, err = unix.Mmap(int(fd), start, size, protection, unix.MAP_SHARED)
	}); outer != nil {
		return nil, outer
	}
	if err != nil {
		return nil, fmt.Errorf("mmap: %w", err)
	}
	if err := unix.Madvise(mem, populate); err != nil && !errors.Is(err, unix.EINVAL) { // before Linux 5.14
		return nil, errors.Join(fmt.Errorf("%w: populating: %w", ErrGone, err), unix.Munmap(mem))
	}
	return mem, nil
}

// Addr is the address of the byte at off of the file, as work requests name it.
func (w *Window) Addr(off int64) uint64 { return w.region.Addr() + uint64(off-w.start) }

// LKey is the key that this host's own work requests name the window by.
func (w *Window) LKey() verbs.Key { return w.region.LKey() }

// RKey is the key that a peer reaches the window by. It belongs in no log.
func (w *Window) RKey() verbs.Key { return w.region.RKey() }

// Read calls fn with n bytes at off of the file. A touch of what the file has lost
// since it was mapped raises SIGBUS: that is ErrGone here, and not the end of the
// process.
func (w *Window) Read(off int64, n int, fn func(b []byte)) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch r := recover().(type) {
		case nil:
		case interface{ Addr() uintptr }: // what the runtime makes of a fault
			err = ErrGone
		default:
			panic(r)
		}
	}()
	at := off - w.start
	fn(w.mem[at : at+int64(n)])
	return nil
}

// Close deregisters the window and unmaps it. The caller sees to it that no work
// request can still reach it. Where deregistering fails, the device may: the pages
// stay mapped, and Close may be called again. Once it has returned nil it does
// nothing more. One goroutine at a time may call it.
func (w *Window) Close() error {
	if w.mem == nil {
		return nil
	}
	if err := w.region.Close(); err != nil {
		return fmt.Errorf("mr: deregistering a window: %w", err)
	}
	w.budget.release(uint64(len(w.mem)))
	err := unix.Munmap(w.mem)
	w.mem = nil
	if err != nil {
		return fmt.Errorf("munmap: %w", err)
	}
	return nil
}
