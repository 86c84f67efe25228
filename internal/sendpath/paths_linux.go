package sendpath

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Paths are the ways that there are, the dearest first.
func Paths() []Path {
	return []Path{
		{"read, write", readWrite},
		{"mmap, write", mmapWrite},
		{"O_DIRECT, write", directWrite},
		{"MSG_ZEROCOPY", zeroCopy},
		{"splice", spliced},
		{"sendfile", sendfile},
		{"Java transferTo", nil},
	}
}

// readWrite copies out of the page cache, and into the socket.
func readWrite(ctx context.Context, s *sender) error {
	buf := make([]byte, piece)
	return s.pieces(ctx, func(off int64, n int) (int, error) {
		n, err := s.call(func() (int, error) { return unix.Pread(s.file, buf[:n], off) })
		if err != nil || n == 0 {
			return n, err
		}
		s.copied += int64(n)
		return n, s.write(buf[:n])
	})
}

// mmapWrite copies out of the page cache into the socket.
func mmapWrite(ctx context.Context, s *sender) error {
	return s.pieces(ctx, func(off int64, n int) (int, error) {
		return n, s.mapped(off, n, s.write)
	})
}

// directWrite has the disk write to memory of the program's, and copies that into the socket.
func directWrite(ctx context.Context, s *sender) error {
	file, done, err := openSource(ctx, s.path, tree.DirectWay)
	if err != nil {
		return err
	}
	defer done()
	slab, err := unix.Mmap(-1, 0, piece, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return fmt.Errorf("mmap: %w", err)
	}
	defer func() { _ = unix.Munmap(slab) }()
	return s.pieces(ctx, func(off int64, n int) (int, error) {
		m, err := transport.ReadInto(slab[:n], file, off)
		s.calls++
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		s.copied += int64(m.Copied)
		if m.Why != "" {
			s.note = m.Why
		}
		return m.Bytes, s.write(slab[:m.Bytes])
	})
}

// spliced moves references to pages of the cache into a pipe, and on into the socket.
func spliced(ctx context.Context, s *sender) error {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("pipe: %w", err)
	}
	defer func() { _, _ = unix.Close(ends[0]), unix.Close(ends[1]) }()
	_, _ = unix.FcntlInt(uintptr(ends[0]), unix.F_SETPIPE_SZ, piece) // or it stays at 64 KiB
	return s.pieces(ctx, func(off int64, n int) (int, error) {
		in, err := s.call(func() (int, error) {
			n, err := unix.Splice(s.file, &off, ends[1], nil, n, unix.SPLICE_F_MOVE)
			return int(n), err
		})
		for out := 0; err == nil && out < in; {
			var k int
			k, err = s.call(func() (int, error) {
				n, err := unix.Splice(ends[0], nil, s.sock, nil, in-out, unix.SPLICE_F_MOVE|unix.SPLICE_F_MORE)
				return int(n), err
			})
			out += k
		}
		return in, err
	})
}

// sendfile hands pages of the cache to the socket.
func sendfile(ctx context.Context, s *sender) error {
	return s.pieces(ctx, func(off int64, n int) (int, error) {
		return s.call(func() (int, error) { return unix.Sendfile(s.sock, s.file, &off, n) })
	})
}
