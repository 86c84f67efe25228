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
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Source is a regular file held open for reading. It stays the file that was
// opened, whatever its name leads to later. Its methods may be called from any
// goroutine.
type Source struct {
	file    *rawFile
	where   shownAs // for messages
	first   status  // as it was when it was first seen
	meta    Meta
	settled time.Time // nothing is read before that time, unless it is zero
	way     tree.Way  // that is asked for
	past    bypass    // past the page cache
}

// shownAs is something that can tell its path, for messages. Most files need none.
type shownAs interface{ shown() string }

// shownPath is a path that is shown as it is.
type shownPath string

func (p shownPath) shown() string { return string(p) }

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
	s := &Source{where: shownPath(path)}
	if err := s.look(what, file); err != nil {
		_ = file.Close() // nothing was written to it
		return nil, err
	}
	if s.file, err = newRawFile(file); err != nil {
		return nil, wrap(what, err)
	}
	time.Sleep(time.Until(s.settled)) // there is just one file to wait for
	return s, nil
}

// look fills in what is known of the file.
func (s *Source) look(what string, file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return wrap(what, err)
	}
	if err := regular(what, info.Mode()); err != nil {
		return err
	}
	if info.Size() == 0 && hasContent(file) {
		return noSize(what)
	}
	s.first = statusOf(info)
	s.settled = settled(s.first.changed)
	s.meta = Meta{
		Size: info.Size(), Mode: info.Mode().Perm(), ModTime: info.ModTime(),
		Allocated: allocated(file, info), Device: s.first.device, Inode: s.first.inode,
	}
	return nil
}

// hasContent reports whether there is a byte to be read.
func hasContent(r io.ReaderAt) bool {
	n, _ := r.ReadAt(make([]byte, 1), 0)
	return n > 0
}

func noSize(what string) error {
	return fault.New(fault.NotRegular, what, errors.New("it has content but no size, like the files in /proc"),
		"copy its content to a file first, and name that")
}

// Meta returns what the file was when it was first seen.
func (s *Source) Meta() Meta { return s.meta }

// ReadAt reads len(b) bytes at offset off. It returns io.EOF at the end of the
// size that the file had when it was first seen; a file that has become shorter
// than that is a fault with code SourceChanged, and what a file has grown by is
// not read.
func (s *Source) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fault.New(fault.Internal, "reading "+s.where.shown(), fmt.Errorf("negative offset %d", off), "")
	}
	s.settle()
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
		if changed := s.Unchanged(); changed != nil && fault.CodeOf(changed) == fault.SourceChanged {
			return n, changed // a directory has come to stand there, or the like
		}
		return n, wrap("reading "+s.where.shown(), err)
	case short:
		return n, io.EOF
	}
	return n, nil
}

// settle waits until every further change of the file will show. That is over
// before most files are read.
func (s *Source) settle() {
	if !s.settled.IsZero() {
		time.Sleep(time.Until(s.settled))
	}
}

// Unchanged returns nil if the file is as it was when it was first seen, and else
// a fault with code SourceChanged that says what differs. Changes of its name,
// links, owner and permissions are no matter, so far as they can be told from a
// change of its bytes.
func (s *Source) Unchanged() error {
	now, err := s.file.look()
	if err != nil {
		return wrap("checking "+s.where.shown(), err)
	}
	if why := now.differs(&s.first); why != nil {
		return s.changed(why)
	}
	return nil
}

func (s *Source) changed(why error) error { return changedFault("reading "+s.where.shown(), why) }

// SyscallConn gives access to the open file, for ways to move its bytes that
// ReadAt has not.
func (s *Source) SyscallConn() (syscall.RawConn, error) {
	if !s.way.May(tree.MappedWay) {
		return nil, errors.New(s.way.String() + " reads were asked for")
	}
	s.settle()
	conn, err := s.file.SyscallConn()
	if err != nil {
		return nil, wrap("reading "+s.where.shown(), err)
	}
	return conn, nil
}

// Close closes the file. It may be called again.
func (s *Source) Close() error {
	s.past.close()
	err := s.file.Close()
	if err == nil || errors.Is(err, os.ErrClosed) {
		return nil
	}
	return wrap("closing "+s.where.shown(), err)
}
