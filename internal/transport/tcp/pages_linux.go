package tcp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// pages are bytes of a file that lie in the page cache, or will. The descriptor is our
// own: a loan outlives the call that made it.
type pages struct {
	fd  int
	off int64
}

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

func (p *pages) close() { _ = unix.Close(p.fd) } // nothing was written to it

// hash returns the digest of n bytes. They are read through a buffer that stays in the
// CPU's own caches: to map them takes about as long where page tables are the
// processor's alone, and four times as long in a guest whose tables are shadowed, as a
// hypervisor in another one does it; and no SIGBUS comes of a file that becomes shorter.
func (e *end) hash(p *pages, n int) (d transport.Digest, err error) {
	defer since(time.Now(), &e.digest)
	buf := e.buffers.Get().(*[hashPiece]byte)
	defer e.buffers.Put(buf)
	var h transport.Hasher
	for off := p.off; n > 0; {
		got, err := pread(p.fd, buf[:min(n, hashPiece)], off)
		if err != nil {
			return d, err
		}
		_, _ = h.Write(buf[:got]) // it does not fail
		e.hashed.Add(uint64(got))
		off, n = off+int64(got), n-got
	}
	return h.Sum(), nil
}

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

// sendPages writes a frame whose payload goes from the page cache to the socket.
func (e *end) sendPages(c net.Conn, h header, p payload) (short bool, err error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return false, fmt.Errorf("tcp: sendfile to a %T", c)
	}
	to, err := sc.SyscallConn()
	if err != nil {
		return false, err
	}
	if err := e.sendHead(to, h.bytes()); err != nil {
		return false, err
	}
	left, off := p.n, p.pages.off
	e.paged.Add(uint64(left)) // now: the peer may have it, and say so, before sendfile returns
	for left > 0 {
		n, err := e.sendfile(to, p.pages.fd, off, left)
		if n == 0 {
			e.paged.Add(-uint64(left))
		}
		switch {
		case errors.Is(err, errFile):
			e.refused(err.Error())
			return e.sendCopied(c, p.pages.fd, off, left)
		case err != nil:
			return false, err
		case n == 0:
			return true, e.writeZeros(c, left)
		}
		off, left = off+int64(n), left-n
	}
	return false, nil
}

// sendHead writes a header that is to go with what follows: without MSG_MORE it would
// be a packet of its own.
func (e *end) sendHead(to syscall.RawConn, b []byte) error {
	for len(b) > 0 {
		var n int
		var err error
		if outer := to.Write(func(fd uintptr) bool {
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

// errFile says that it is the file that sendfile cannot do.
var errFile = errors.New("sendfile from the file")

// sendfile sends up to n bytes at off of a file, and returns how many went: 0 at its end.
func (e *end) sendfile(to syscall.RawConn, file int, off int64, n int) (sent int, err error) {
	if outer := to.Write(func(fd uintptr) bool {
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

// sendCopied sends the rest of a frame out of a file that sendfile cannot send, by way of
// a buffer.
func (e *end) sendCopied(c net.Conn, file int, off int64, left int) (short bool, err error) {
	buf := make([]byte, min(left, 256<<10))
	for left > 0 {
		n, err := pread(file, buf[:min(left, len(buf))], off)
		if err != nil {
			return true, e.writeZeros(c, left)
		}
		e.copied.Add(uint64(n))
		e.socket.Add(uint64(n))
		if err := e.write(c, net.Buffers{buf[:n]}); err != nil {
			return false, err
		}
		off, left = off+int64(n), left-n
	}
	return false, nil
}
