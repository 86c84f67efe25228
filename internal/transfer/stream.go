package transfer

import (
	"bytes"
	"context"
	"errors"
	"hash"
	"io"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// stream is a file whose length is not known before its end, such as standard
// input. It can be read in one go only, so that one worker has it at a time.
type stream struct {
	given *given
	off   int64
	hash  hash.Hash // of all that was read; nil: no digest is asked for
}

// stream lends the next piece of a stream.
func (s *sender) stream(ctx context.Context, id int64, l *load) error {
	g := l.stream.given
	if err := s.src.use(g); err != nil {
		s.src.fail(g, err)
		return nil
	}
	buf := make([]byte, s.options.chunk())
	n, err := g.file.ReadAt(buf, l.stream.off)
	off := l.stream.off
	l.stream.take(buf[:n])
	switch {
	case errors.Is(err, io.EOF):
		l.stream.end()
		s.src.finish(g, l.stream.off)
	case err != nil:
		s.src.fail(g, asFault("reading "+g.path.String(), err))
		n = 0
	default:
		s.lending.queue.push([]*load{l})
	}
	g.leave()
	if n == 0 {
		return nil
	}
	if err := s.lending.throttle(ctx, n); err != nil {
		return err
	}
	segments := []Segment{{ID: g.entry.ID, Range: tree.Range{Off: off, Len: int64(n)}}}
	return s.lend(ctx, id, segments, bytesAt{bytes.NewReader(buf[:n])})
}

// take notes what was read.
func (s *stream) take(b []byte) {
	s.off += int64(len(b))
	if s.hash != nil {
		_, _ = s.hash.Write(b) // a hash never fails
	}
}

// end notes that this was all.
func (s *stream) end() {
	g := s.given
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left = 0
	if s.hash != nil {
		g.whole = make(chan wholeDigest, 1)
		g.whole <- wholeDigest{sum: s.hash.Sum(nil)}
	}
}

// bytesAt is a buffer in the place of a bundle: the offset means nothing.
type bytesAt struct{ *bytes.Reader }

// ReadAt reads from the start.
func (b bytesAt) ReadAt(p []byte, _ int64) (int, error) { return b.Reader.ReadAt(p, 0) }
