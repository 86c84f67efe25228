package mr

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrGone answers where a file has no longer what is to be mapped, or was mapped, of it.
var ErrGone = errors.New("mr: the file has become shorter")

// Pages are a part of a file's page cache in this process's memory. They are the
// kernel's own, mapped shared: nothing is copied, and what is written to the file shows.
type Pages struct {
	mem   []byte
	start int64 // offset of mem in the file
}

// MapFile maps n bytes at off of a file, and brings them into memory. To write there, the
// file has to be open for writing, too, and to live in memory (tmpfs): other file systems
// would not notice that a page that they have written back is written to again.
func MapFile(file syscall.RawConn, off int64, n int, writes bool) (*Pages, error) {
	if off < 0 || n < 1 {
		return nil, fmt.Errorf("mr: %d bytes at %d cannot be mapped", n, off)
	}
	start := off &^ int64(os.Getpagesize()-1)
	mem, err := mapShared(file, start, n+int(off-start), writes)
	if err != nil {
		return nil, err
	}
	return &Pages{mem: mem, start: start}, nil
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

// Read calls fn with n bytes at off of the file. A touch of what the file has lost
// since it was mapped raises SIGBUS: that is ErrGone here, and not the end of the
// process.
func (p *Pages) Read(off int64, n int, fn func(b []byte)) (err error) {
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
	at := off - p.start
	fn(p.mem[at : at+int64(n)])
	return nil
}

// Close unmaps the pages, of which nothing may be registered any more. Further calls
// do nothing.
func (p *Pages) Close() error {
	if p.mem == nil {
		return nil
	}
	err := unix.Munmap(p.mem)
	p.mem = nil
	if err != nil {
		return fmt.Errorf("munmap: %w", err)
	}
	return nil
}
