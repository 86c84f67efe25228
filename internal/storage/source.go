package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// Source is a regular file held open for reading. It stays the file that was
// opened, whatever its name leads to later. Its methods may be called from any
// goroutine.
type Source struct {
	file  *os.File
	path  string      // for messages
	first fs.FileInfo // as it was when it was opened
	meta  Meta
}

// sourceFlags open a file for reading, and do not wait for the other end should it
// be a FIFO.
const sourceFlags = os.O_RDONLY | nonblock

// newSource opens a file. Stat looks at it beforehand, since the mere opening of
// a device or FIFO may do something; what was opened is looked at again, since
// the name may lead elsewhere by then.
func newSource(path string, stat func() (fs.FileInfo, error), open func() (*os.File, error)) (*Source, error) {
	what := "opening " + path
	info, err := stat()
	if err != nil {
		return nil, wrapRooted(what, err)
	}
	if err := regular(what, info.Mode()); err != nil {
		return nil, err
	}
	file, err := open()
	if err != nil {
		return nil, wrapRooted(what, err)
	}
	s := &Source{file: file, path: path}
	if err := s.look(what); err != nil {
		_ = file.Close() // nothing was written to it
		return nil, err
	}
	return s, nil
}

// tick is longer than the step of the clock that file times are taken from.
const tick = 20 * time.Millisecond

// look fills in what is known of the file.
func (s *Source) look(what string) error {
	info, err := s.file.Stat()
	if err != nil {
		return wrap(what, err)
	}
	if err := regular(what, info.Mode()); err != nil {
		return err
	}
	if info.Size() == 0 && s.hasContent() {
		return fault.New(fault.NotRegular, what, errors.New("it has content but no size, like the files in /proc"),
			"copy its content to a file first, and name that")
	}
	if err := setBlocking(s.file); err != nil {
		return wrap(what, err)
	}
	// The kernel stamps changes by a clock that stands still for a tick, up to 10
	// ms. A file that was changed in this tick can be changed again in it and show
	// the same times; what is read once the tick is over cannot.
	if time.Since(changeTime(info)) < tick {
		time.Sleep(tick)
	}
	s.first = info
	s.meta = Meta{
		Size: info.Size(), Mode: info.Mode().Perm(), ModTime: info.ModTime(),
		Allocated: allocated(s.file, info),
	}
	return nil
}

// hasContent reports whether there is a byte to be read.
func (s *Source) hasContent() bool {
	n, _ := s.file.ReadAt(make([]byte, 1), 0)
	return n > 0
}

// Meta returns what the file was when it was opened.
func (s *Source) Meta() Meta { return s.meta }

// ReadAt reads len(b) bytes at offset off. It returns io.EOF at the end of the
// size that the file had when it was opened; a file that has become shorter than
// that is a fault with code SourceChanged, and what a file has grown by is not
// read.
func (s *Source) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fault.New(fault.Internal, "reading "+s.path, fmt.Errorf("negative offset %d", off), "")
	}
	left := max(0, s.meta.Size-off)
	short := int64(len(b)) > left
	if short {
		b = b[:left]
	}
	n, err := s.file.ReadAt(b, off)
	switch {
	case errors.Is(err, io.EOF):
		return n, s.changed(fmt.Errorf("it ends at byte %d, but had %d bytes when the copy began", off+int64(n), s.meta.Size))
	case err != nil:
		return n, wrap("reading "+s.path, err)
	case short:
		return n, io.EOF
	}
	return n, nil
}

// Unchanged returns nil if the file is as it was when it was opened, and else a
// fault with code SourceChanged that says what differs. Changes of its name,
// links, owner and permissions are no matter, so far as they can be told from a
// change of its bytes.
func (s *Source) Unchanged() error {
	now, err := s.file.Stat()
	if err != nil {
		return wrap("checking "+s.path, err)
	}
	const layout = "2006-01-02 15:04:05.999999999"
	switch {
	case !os.SameFile(s.first, now):
		return s.changed(errors.New("it is another file now"))
	case now.Size() != s.first.Size():
		return s.changed(fmt.Errorf("its size went from %d to %d bytes", s.first.Size(), now.Size()))
	case !now.ModTime().Equal(s.first.ModTime()):
		return s.changed(fmt.Errorf("it was modified at %s", now.ModTime().Format(layout)))
	case !changeTime(now).Equal(changeTime(s.first)) && sameStatus(s.first, now):
		// Something touched the inode, and it was none of what we could see.
		return s.changed(fmt.Errorf("it was renamed, or rewritten with its old time, at %s", changeTime(now).Format(layout)))
	}
	return nil
}

func (s *Source) changed(why error) error {
	return fault.New(fault.SourceChanged, "reading "+s.path, why,
		"let whatever writes the file finish, then copy it again")
}

// SyscallConn gives access to the open file, for ways to move its bytes that
// ReadAt has not.
func (s *Source) SyscallConn() (syscall.RawConn, error) {
	conn, err := s.file.SyscallConn()
	if err != nil {
		return nil, wrap("reading "+s.path, err)
	}
	return conn, nil
}

// Close closes the file. It may be called again.
func (s *Source) Close() error {
	err := s.file.Close()
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return wrap("closing "+s.path, err)
}
