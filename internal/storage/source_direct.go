package storage

import (
	"errors"
	"io"
	"os"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

var _ transport.DirectReader = (*Source)(nil)

// ReadDirect is ReadAt, past the page cache where that is possible. Unless it has to,
// it does so only with what the page cache does not have.
func (s *Source) ReadDirect(p []byte, off int64) (transport.Moved, error) {
	why := s.whyCached(len(p), off)
	if why == "" && s.way == tree.AutoWay {
		s.settle()
		n := 0
		if err := s.file.use(func(fd int) (err error) {
			n, err = readCached(fd, p, off)
			return err
		}); err == nil && n == len(p) {
			return transport.Moved{Bytes: n, Copied: n, Why: "the page cache had it already"}, nil
		}
	}
	if why == "" {
		m, err := s.readPast(p, off)
		if err == nil {
			return m, nil
		}
		why = "O_DIRECT: " + err.Error()
	}
	n, err := s.ReadAt(p, off)
	return transport.Moved{Bytes: n, Copied: n, Why: why}, err
}

// errShort is a read that brought too little: ReadAt says why.
var errShort = errors.New("the file is shorter than it was")

// readPast reads past the page cache, all of p or nothing.
func (s *Source) readPast(p []byte, off int64) (transport.Moved, error) {
	whole := s.past.whole(p, off, s.meta.Size)
	if whole < len(p) {
		return transport.Moved{}, errors.New("a range does not begin or end where a block does")
	}
	s.settle()
	n, err := s.past.file.ReadAt(p[:whole], off)
	if n < len(p) {
		if err == nil || errors.Is(err, io.EOF) {
			err = errShort
		}
		return transport.Moved{}, err
	}
	return transport.Moved{Bytes: len(p), Direct: len(p)}, nil
}

// whyCached says why n bytes have to come through the page cache; empty if they have
// not.
func (s *Source) whyCached(n int, off int64) string {
	switch {
	case !s.way.May(tree.DirectWay):
		return s.way.String() + " reads were asked for"
	case s.meta.Size <= small || off < 0 || int64(n) > s.meta.Size-off:
		return whySmall
	case !s.past.reach(s.file.use, os.O_RDONLY):
		return s.past.why
	}
	return ""
}
