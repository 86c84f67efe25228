package mr

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/verbs"
)

// Window is a part of a file's page cache that a device may read, or write to.
type Window struct {
	start  int64  // offset in the file
	size   uint64 // bytes that are reserved in budget
	region region
	budget *Budget
}

// Register registers n bytes at off of the file in pd with the given access; the pages
// have to stay mapped until the window is closed. What is pinned is reserved in budget first.
//
// Kernels before 6.2 pin shared pages of a file for writing only, and answer EFAULT
// otherwise. Never is a private mapping tried in its place: pinning one copies each page.
func (p *Pages) Register(pd *verbs.PD, budget *Budget, off int64, n int, access verbs.Access) (*Window, error) {
	return p.register(registerIn(pd), budget, off, n, access)
}

func (p *Pages) register(register registrar, budget *Budget, off int64, n int, access verbs.Access) (*Window, error) {
	at := off - p.start
	if at < 0 || n < 1 || at+int64(n) > int64(len(p.mem)) {
		return nil, fmt.Errorf("mr: %d bytes at %d are not mapped", n, off)
	}
	size := uint64(n) + uint64(at)%uint64(os.Getpagesize()) // pages are pinned as a whole
	if err := budget.reserve(size); err != nil {
		return nil, err
	}
	reg, err := register(p.mem[at:at+int64(n)], access)
	if errors.Is(err, unix.EFAULT) && !access.Writes() {
		err = fmt.Errorf("%w (kernels before 6.2 pin pages of a file for writing only)", err)
	}
	if err != nil {
		budget.release(size)
		return nil, registerFault(size, err, readLimits)
	}
	return &Window{start: off, size: size, region: reg, budget: budget}, nil
}

// Addr is the address of the byte at off of the file, as work requests name it.
func (w *Window) Addr(off int64) uint64 { return w.region.Addr() + uint64(off-w.start) }

// LKey is the key that this host's own work requests name the window by.
func (w *Window) LKey() verbs.Key { return w.region.LKey() }

// RKey is the key that a peer reaches the window by. It belongs in no log.
func (w *Window) RKey() verbs.Key { return w.region.RKey() }

// Close deregisters the window. The caller sees to it that no work request can still
// reach it. Where that fails, the device may: the pages have to stay mapped, and Close
// may be called again. Once it has returned nil it does nothing more. One goroutine at a
// time may call it, also on nil.
func (w *Window) Close() error {
	if w == nil || w.region == nil {
		return nil
	}
	if err := w.region.Close(); err != nil {
		return fmt.Errorf("mr: deregistering a window: %w", err)
	}
	w.region = nil
	w.budget.release(w.size)
	return nil
}
