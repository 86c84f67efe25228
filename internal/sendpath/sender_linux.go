package sendpath

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// sender is a file on its way into a socket. One thread works on it.
type sender struct {
	path string
	file int // descriptors
	sock int
	size int64

	copied int64
	calls  uint64
	note   string
}

// pieces calls move with one piece of the file after the other; it returns how much of it
// was moved.
func (s *sender) pieces(ctx context.Context, move func(off int64, n int) (int, error)) error {
	for off := int64(0); off < s.size; {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		n, err := move(off, int(min(piece, s.size-off)))
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		off += int64(n)
	}
	return nil
}

// call makes a system call, again where a signal interrupted it, and counts it.
func (s *sender) call(fn func() (int, error)) (n int, err error) {
	for {
		s.calls++
		if n, err = fn(); !errors.Is(err, unix.EINTR) {
			return max(n, 0), err
		}
	}
}

// write copies b into the socket.
func (s *sender) write(b []byte) error {
	for len(b) > 0 {
		n, err := s.call(func() (int, error) { return unix.Write(s.sock, b) })
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		s.copied += int64(n)
		b = b[n:]
	}
	return nil
}

// mapped shows fn a piece of the file as it lies in the page cache.
func (s *sender) mapped(off int64, n int, fn func(b []byte) error) error {
	s.calls += 2
	b, err := unix.Mmap(s.file, off, n, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("mmap: %w", err)
	}
	return errors.Join(fn(b), unix.Munmap(b))
}
