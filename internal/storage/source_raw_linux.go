package storage

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// rawFile is a file that is open for reading. Trees have many small files, and
// each is open for a few calls only: it does without what os.File does to find out
// whether a file can be waited for.
type rawFile struct {
	mu sync.RWMutex // held for reading while fd is used
	fd int          // -1 once it is closed
}

// newRawFile takes over f.
func newRawFile(f *os.File) (*rawFile, error) {
	fd := -1
	err := control(f, func(from int) (err error) {
		fd, err = unix.FcntlInt(uintptr(from), unix.F_DUPFD_CLOEXEC, 0)
		return err
	})
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil && fd >= 0 {
		_ = unix.Close(fd) // nothing was written to it
	}
	return &rawFile{fd: fd}, err
}

// use calls fn with the descriptor, again where a signal interrupted it.
func (f *rawFile) use(fn func(fd int) error) error {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.fd < 0 {
		return os.ErrClosed
	}
	return restarted(func() error { return fn(f.fd) })
}

// restarted makes a call, and makes it again where a signal interrupted it.
func restarted(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// ReadAt is that of io.ReaderAt. Its errors are the kernel's.
func (f *rawFile) ReadAt(b []byte, off int64) (int, error) {
	done := 0
	for done < len(b) {
		n := 0
		err := f.use(func(fd int) (err error) {
			n, err = unix.Pread(fd, b[done:], off+int64(done))
			return err
		})
		if err != nil {
			return done, err
		}
		if n == 0 {
			return done, io.EOF
		}
		done += n
	}
	return done, nil
}

func (f *rawFile) look() (status, error) {
	var st unix.Stat_t
	if err := f.use(func(fd int) error { return unix.Fstat(fd, &st) }); err != nil {
		return status{}, err
	}
	return statusFrom(&st), nil
}

// Close closes the file, once nobody uses it any more.
func (f *rawFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fd < 0 {
		return os.ErrClosed
	}
	fd := f.fd
	f.fd = -1
	if err := unix.Close(fd); !errors.Is(err, unix.EINTR) { // it is closed all the same
		return err
	}
	return nil
}

// SyscallConn gives access to the descriptor. It waits from then on, as other
// calls than pread would heed that it does not.
func (f *rawFile) SyscallConn() (syscall.RawConn, error) {
	err := f.use(func(fd int) error { return unix.SetNonblock(fd, false) })
	return rawConn{f}, err
}

// rawConn is the descriptor of a rawFile.
type rawConn struct{ file *rawFile }

// Control calls fn with the descriptor, which stays open until it returns.
func (c rawConn) Control(fn func(fd uintptr)) error {
	return c.file.use(func(fd int) error {
		fn(uintptr(fd))
		return nil
	})
}

// Read is not needed: regular files are always ready.
func (rawConn) Read(func(fd uintptr) bool) error { return errors.ErrUnsupported }

// Write is not needed: the file is open for reading.
func (rawConn) Write(func(fd uintptr) bool) error { return errors.ErrUnsupported }
