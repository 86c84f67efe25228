package tcp

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// descriptor is how a file is open.
type descriptor = int

// openPages takes a descriptor of a place's file.
func openPages(p transport.Place) (*pages, error) {
	conn, err := p.File.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	if outer := conn.Control(func(from uintptr) { fd, err = unix.FcntlInt(from, unix.F_DUPFD_CLOEXEC, 0) }); outer != nil {
		return nil, outer
	}
	if err != nil {
		return nil, fmt.Errorf("taking a descriptor: %w", err)
	}
	return &pages{fd, p.Off}, nil
}

func (p *pages) close() { _ = unix.Close(p.file) } // nothing was written to it

// pread reads at least a byte.
func pread(fd int, b []byte, off int64) (n int, err error) {
	for {
		n, err = unix.Pread(fd, b, off)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, fmt.Errorf("pread: %w", err)
		case n == 0:
			return 0, io.ErrUnexpectedEOF
		default:
			return n, nil
		}
	}
}

// sendHead writes a header that is to go with what follows: without MSG_MORE it would
// be a packet of its own.
func (e *end) sendHead(to socket, b []byte) error {
	for len(b) > 0 {
		var n int
		var err error
		if outer := to.raw.Write(func(fd uintptr) bool {
			e.calls.Add(1)
			n, err = unix.SendmsgN(int(fd), b, nil, nil, unix.MSG_MORE|unix.MSG_NOSIGNAL)
			return !waits(err)
		}); outer != nil {
			return outer
		}
		if err != nil {
			return fmt.Errorf("sendmsg: %w", err)
		}
		b = b[n:]
	}
	return nil
}

// sendfile sends up to n bytes at off of a file, and returns how many went: 0 at its end.
func (e *end) sendfile(to socket, file descriptor, off int64, n int) (sent int, err error) {
	if outer := to.raw.Write(func(fd uintptr) bool {
		at := off
		e.calls.Add(1)
		sent, err = unix.Sendfile(int(fd), file, &at, n)
		return !waits(err)
	}); outer != nil {
		return 0, outer
	}
	e.moving()
	switch {
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EIO), errors.Is(err, unix.EOVERFLOW):
		return 0, fmt.Errorf("%w: %w", errFile, err)
	case err != nil:
		return 0, fmt.Errorf("sendfile: %w", err)
	}
	return sent, nil
}

// waits reports whether a call is to be made again, at once or when the socket is ready.
func waits(err error) bool { return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) }
