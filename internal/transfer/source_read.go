package transfer

import (
	"cmp"
	"io"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// readNothing seals a file of which no bytes are wanted: it has none, or the
// destination has them all.
func (s *source) readNothing(g *given) {
	if err := s.use(g); err != nil {
		s.fail(g, err)
		return
	}
	s.finish(g, g.entry.Meta.Size)
	g.leave()
}

// read fills p with a range of a file, or with zeros if that fails; the sink is
// told, and takes no notice of what it gets. It reports whether the range was
// read.
func (s *source) read(g *given, p []byte, off int64) (m transport.Moved, ok bool) {
	err := s.use(g)
	if err == nil {
		defer g.leave()
		if m, err = transport.ReadInto(p, g.file, off); m.Bytes == len(p) {
			err = nil // io.EOF together with all bytes is none
		} else if err == nil {
			err = io.ErrUnexpectedEOF
		}
	}
	if err != nil {
		clear(p)
		s.fail(g, asFault("reading "+g.path.String(), err))
		return m, false
	}
	s.taken(g, tree.Range{Off: off, Len: int64(len(p))})
	return m, true
}

// taken notes that a range was read, and seals the file after the last. What had to be
// read again counts once.
func (s *source) taken(g *given, r tree.Range) {
	g.mu.Lock()
	if r.Off == 0 && r.Len == g.entry.Meta.Size {
		g.left = 0
	} else {
		before := g.got.Bytes()
		g.got.Add(r)
		g.left -= g.got.Bytes() - before
	}
	last := g.left <= 0
	g.mu.Unlock()
	if last {
		s.finish(g, g.entry.Meta.Size)
	}
}

// use opens a file unless it is open. Who calls it calls leave.
func (s *source) use(g *given) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed {
		return cmp.Or(g.seal.Fault, errGivenUp) // the sink may have given it up
	}
	if g.file == nil {
		file, err := s.tree.Open(g.entry)
		if err != nil {
			return asFault("opening "+g.path.String(), err)
		}
		g.file = file
		s.startDigest(g)
	}
	g.users++
	return nil
}

// leave ends a use. A file that was read to its end is closed.
func (g *given) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.users--; g.users == 0 && (g.left <= 0 || g.failed) {
		g.closeLocked()
	}
}

func (g *given) closeLocked() {
	if g.file != nil {
		_ = g.file.Close() // nothing was written to it
		g.file = nil
	}
}

// finish seals a file of size bytes, all of which were read. After a bundle that
// had to be read again it does so again.
func (s *source) finish(g *given, size int64) {
	err := g.file.Unchanged()
	seal := tree.Seal{ID: g.entry.ID, Size: size}
	if err == nil {
		seal.Whole, err = g.wholeDigest()
	}
	if err != nil {
		s.fail(g, asFault("reading "+g.path.String(), err))
		return
	}
	g.mu.Lock()
	g.seal = seal
	g.mu.Unlock()
	s.out.add(func(b *Batch) { b.Seals = append(b.Seals, seal) })
}
