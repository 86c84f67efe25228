package storage

import (
	"os"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// WriteDirect is WriteAt, past the page cache where that is possible.
func (s *Sink) WriteDirect(b []byte, off int64) (m transport.Moved, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.accepts(int64(len(b)), off); err != nil {
		return m, err
	}
	m.Why = s.whyCached()
	if m.Why == "" {
		m, err = s.writePast(b, off)
	}
	if err == nil && m.Direct < len(b) {
		var n int
		n, err = s.writeTo(s.file, b[m.Direct:], off+int64(m.Direct))
		m.Bytes += n
		m.Copied = n
	}
	if err != nil {
		err = s.spoil("writing", err)
	}
	return m, err
}

// writePast writes what of b can go past the page cache.
func (s *Sink) writePast(b []byte, off int64) (m transport.Moved, err error) {
	whole := s.past.whole(b, off, s.meta.Size)
	if whole == 0 {
		return transport.Moved{Why: "O_DIRECT: a range does not begin where a block does"}, nil
	}
	n, err := s.writeTo(s.past.file, b[:whole], off)
	if n == 0 && unfit(err) {
		return transport.Moved{Why: "O_DIRECT: " + err.Error()}, nil
	}
	m.Bytes, m.Direct = min(n, len(b)), min(n, len(b))
	if whole < len(b) {
		m.Why = "O_DIRECT: a range does not end where a block does"
	}
	if err == nil && whole > len(b) { // the last block
		err = s.seam.do(stepResize, func() error { return s.file.Truncate(s.meta.Size) })
	}
	return m, err
}

// whyCached says why bytes have to go through the page cache; empty if they have not.
func (s *Sink) whyCached() string {
	switch {
	case s.way == tree.MappedWay:
		return "its file system does not keep files in memory, as tmpfs does, so that only calls can write them"
	case s.way == tree.BufferedWay:
		return "buffered writes were asked for"
	case s.meta.Size <= small: // streams have no size
		return whySmall
	case !s.past.reach(s.use, os.O_WRONLY):
		return s.past.why
	}
	return ""
}

// use calls fn with the descriptor.
func (s *Sink) use(fn func(fd int) error) error { return control(s.file, fn) }

// Place is that of transport.Paged: a file that lives in memory is in the page cache.
func (s *Sink) Place(ext transport.Extent, take func(transport.Place) error) bool {
	if !s.way.May(tree.MappedWay) || s.meta.Size <= small { // it may not have its size yet
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.accepts(int64(ext.Len), ext.Off) != nil || !s.inMemory() {
		return false
	}
	at := transport.Place{File: s.file, Volume: statusOf(s.held).device, Off: ext.Off, Since: ext.Off, Until: ext.End()}
	return s.seam.do(stepWrite, func() error { return take(at) }) == nil
}

// inMemory reports whether the file lives in memory. S is locked.
func (s *Sink) inMemory() bool {
	s.memory.once.Do(func() { s.memory.yes = livesInMemory(s.file) })
	return s.memory.yes
}
