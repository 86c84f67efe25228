//go:build linux || windows

package tcp

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// pages are bytes of a file that lie in the page cache, or will. The descriptor is our
// own: a loan outlives the call that made it.
type pages struct {
	file descriptor
	off  int64
}

// hash returns the digest of n bytes. They are read through a buffer that stays in the
// CPU's own caches: to map them takes about as long where page tables are the
// processor's alone, and four times as long in a guest whose tables are shadowed, as a
// hypervisor in another one does it; and no SIGBUS comes of a file that becomes shorter.
func (e *end) hash(p *pages, n int) (d transport.Digest, err error) {
	defer e.spent(transport.InDigest, time.Now(), &e.digest)
	buf := e.buffers.Get().(*[hashPiece]byte)
	defer e.buffers.Put(buf)
	var h transport.Hasher
	for off := p.off; n > 0; {
		got, err := pread(p.file, buf[:min(n, hashPiece)], off)
		if err != nil {
			return d, err
		}
		_, _ = h.Write(buf[:got]) // it does not fail
		e.hashed.Add(uint64(got))
		off, n = off+int64(got), n-got
	}
	return h.Sum(), nil
}

// socket is a connection and what is beneath it.
type socket struct {
	net.Conn
	raw syscall.RawConn
}

// sendPages writes a frame whose payload goes from the page cache to the socket.
func (e *end) sendPages(c net.Conn, h header, p payload) (short bool, err error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return false, fmt.Errorf("tcp: sendfile to a %T", c)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false, err
	}
	to := socket{c, raw}
	if err := e.sendHead(to, h.bytes()); err != nil {
		return false, err
	}
	left, off := p.n, p.pages.off
	e.paged.Add(uint64(left)) // now: the peer may have it, and say so, before sendfile returns
	for left > 0 {
		n, err := e.sendfile(to, p.pages.file, off, left)
		if n == 0 {
			e.paged.Add(-uint64(left))
		}
		switch {
		case errors.Is(err, errFile):
			e.refused(err.Error())
			return e.sendCopied(c, p.pages.file, off, left)
		case err != nil:
			return false, err
		case n == 0:
			return true, e.writeZeros(c, left)
		}
		off, left = off+int64(n), left-n
	}
	return false, nil
}

// errFile says that it is the file that sendfile cannot do.
var errFile = errors.New("sendfile from the file")

// sendCopied sends the rest of a frame out of a file that sendfile cannot send, by way of
// a buffer.
func (e *end) sendCopied(c net.Conn, file descriptor, off int64, left int) (short bool, err error) {
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
