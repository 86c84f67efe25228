package sendpath

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/cpu"
	"github.com/rdmacp/rdmacp/internal/storage"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Send sends the file at a path once. It fails with ErrSkip where this host cannot.
func (p Path) Send(ctx context.Context, path string) (Cost, error) {
	f, err := os.Open(path)
	if err != nil {
		return Cost{}, err
	}
	defer func() { _ = f.Close() }() // nothing was written to it
	info, err := f.Stat()
	if err != nil {
		return Cost{}, err
	}
	d, err := newDrain(ctx, info.Size(), nil)
	if err != nil {
		return Cost{}, err
	}
	defer d.close()
	if p.send == nil {
		return viaJava(ctx, path, info.Size(), d)
	}
	return p.measure(ctx, f, info.Size(), d)
}

// measure sends from a thread that does nothing else, so that what the thread used is what it took.
func (p Path) measure(ctx context.Context, f *os.File, size int64, d *drain) (c Cost, err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", d.address())
	if err != nil {
		return c, err
	}
	defer func() { _ = conn.Close() }() // all was sent, or nothing is of use
	sock, err := conn.(*net.TCPConn).File()
	if err != nil {
		return c, err
	}
	defer func() { _ = sock.Close() }()
	if err := unix.SetNonblock(int(sock.Fd()), false); err != nil {
		return c, fmt.Errorf("making a socket wait: %w", err)
	}
	s := &sender{path: f.Name(), file: int(f.Fd()), sock: int(sock.Fd()), size: size}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, begun := cpu.UsedByThread(), time.Now()
	if err := p.send(ctx, s); err != nil {
		return c, err
	}
	used := cpu.UsedByThread().Since(before)
	if err := d.wait(ctx); err != nil {
		return c, err
	}
	return Cost{Bytes: size, Elapsed: time.Since(begun), CPU: used, Copied: s.copied, Calls: s.calls, Note: s.note}, nil
}

// openSource opens a file as a copy does, to be read in a certain way.
func openSource(ctx context.Context, path string, way tree.Way) (f tree.SourceFile, done func(), err error) {
	w := storage.NewWalker([]storage.Start{{Path: path}}, tree.WalkOptions{Way: way})
	var problem error
	err = w.Walk(ctx, func(e tree.Entry) (err error) {
		f, err = w.Open(e)
		return err
	}, func(p tree.Problem) { problem = p.Fault })
	if err == nil && f == nil {
		err = errors.Join(errors.New("it is no file that can be sent"), problem)
	}
	if err != nil {
		return nil, nil, errors.Join(err, w.Close())
	}
	return f, func() { _, _ = f.Close(), w.Close() }, nil
}

// drain takes what is sent to it, and throws it away.
type drain struct {
	listener net.Listener
	running  sync.WaitGroup
	done     chan error // capacity 1
}

// newDrain makes a drain for size bytes. Where take is not nil, it gets them.
func newDrain(ctx context.Context, size int64, take func(b []byte)) (*drain, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &drain{listener: l, done: make(chan error, 1)}
	d.running.Go(func() { d.done <- d.run(size, take) })
	return d, nil
}

func (d *drain) address() string { return d.listener.Addr().String() }

// run takes size bytes from the one who connects. MSG_TRUNC throws them away in the kernel: tcp(7).
func (d *drain) run(size int64, take func(b []byte)) error {
	c, err := d.listener.Accept()
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // it was only read
	conn, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	buf, flags := make([]byte, 4*piece), unix.MSG_DONTWAIT|unix.MSG_TRUNC
	if take != nil {
		flags = unix.MSG_DONTWAIT
	}
	for size > 0 {
		n := 0
		if outer := conn.Read(func(fd uintptr) bool {
			n, _, err = unix.Recvfrom(int(fd), buf, flags)
			return !errors.Is(err, unix.EAGAIN)
		}); outer != nil {
			return outer
		}
		if err != nil || n == 0 {
			return errors.Join(errors.New("the sender hung up"), err)
		}
		size -= int64(n)
		if take != nil {
			take(buf[:n])
		}
	}
	return nil
}

// wait waits until all has come.
func (d *drain) wait(ctx context.Context) error {
	select {
	case err := <-d.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// close ends the drain, once whoever sends has closed its end.
func (d *drain) close() {
	_ = d.listener.Close() // it was only listened to
	d.running.Wait()
}
