package transfer

import (
	"github.com/rdmacp/rdmacp/internal/transport"
)

// length is how many bytes the segments of a bundle take.
func length(segments []Segment) int {
	var n int64
	for _, s := range segments {
		n += s.Len
	}
	return int(n)
}

// extent is a bundle as a transport sees it. The offset tells bundles apart and
// means nothing else.
func extent(id int64, segments []Segment, chunk int) transport.Extent {
	return transport.Extent{Off: id * int64(chunk), Len: length(segments)}
}

// gather reads a bundle: what a transport takes for one extent of a file are
// ranges of many. A transport reads an extent by a single call.
type gather struct {
	source   *source
	segments []Segment
}

// ReadAt fills p with the segments. It does not fail: see source.read.
func (g gather) ReadAt(p []byte, off int64) (int, error) {
	m, err := g.ReadDirect(p, off)
	return m.Bytes, err
}

// ReadDirect is ReadAt for transports that count copies.
func (g gather) ReadDirect(p []byte, _ int64) (all transport.Moved, _ error) {
	for i := range g.segments {
		s := &g.segments[i]
		part := cut(p, all.Bytes, s.Len, len(g.segments))
		f := g.source.find(s.ID)
		m, ok := transport.Moved{}, false
		if f != nil {
			m, ok = g.source.read(f, part, s.Off)
		}
		m.Bytes = len(part)
		all.Add(m)
		if !ok {
			s.ID = 0
			continue
		}
		if s.Compare {
			s.Digest = transport.Sum(part)
		}
	}
	return all, nil
}

// cut returns the part of a bundle that belongs to a segment. What is behind a bundle's
// only segment belongs to it, too.
func cut(p []byte, at int, n int64, segments int) []byte {
	if segments == 1 {
		return p[:n]
	}
	return p[at : at+int(n) : at+int(n)]
}

// Place is that of transport.Paged: a bundle that is a range of one file lies in it.
// What is compared, too, is read: its digest is needed even where the transport takes
// none.
func (g gather) Place(_ transport.Extent, take func(transport.Place) error) bool {
	if len(g.segments) != 1 || g.segments[0].Compare {
		return false
	}
	s := g.segments[0]
	f := g.source.find(s.ID)
	return f != nil && g.source.show(f, s.Range, take)
}

// scatter writes a bundle, the reverse of gather.
type scatter struct {
	sink     *sink
	segments []Segment
	digests  []transport.Digest // of the segments, where there are several
	keep     map[int]bool       // segments that are the same already
	kept     int64              // bytes in them
}

func newScatter(s *sink, segments []Segment) *scatter {
	return &scatter{sink: s, segments: segments, digests: make([]transport.Digest, len(segments))}
}

// WriteAt writes the segments. It does not fail: see sink.write.
func (w *scatter) WriteAt(p []byte, off int64) (int, error) {
	m, err := w.WriteDirect(p, off)
	return m.Bytes, err
}

// WriteDirect is WriteAt for transports that count copies.
func (w *scatter) WriteDirect(p []byte, _ int64) (all transport.Moved, _ error) {
	for i, s := range w.segments {
		part := cut(p, all.Bytes, s.Len, len(w.segments))
		if s.ID == 0 || w.keep[i] {
			all.Bytes += len(part)
			continue
		}
		if len(w.segments) > 1 && w.sink.needsDigest(s) {
			w.digests[i] = transport.Sum(part)
		}
		m := w.sink.write(s, part)
		m.Bytes = len(part)
		all.Add(m)
	}
	return all, nil
}

// Place is that of transport.Paged: a bundle that is a range of one file lies in it. Not
// so while it is not known whether the destination has the same already: a file that
// stays as it is would be made anew.
func (w *scatter) Place(_ transport.Extent, take func(transport.Place) error) bool {
	if len(w.segments) != 1 {
		return false
	}
	s, undecided := w.segments[0], w.keep == nil
	if s.ID == 0 || w.keep[0] || s.Compare && undecided {
		return false
	}
	return w.sink.place(s, take)
}

// landed notes that the bundle has arrived whole; digest is the bundle's.
func (w *scatter) landed(digest transport.Digest) {
	if len(w.segments) == 1 {
		w.digests[0] = digest
	}
	for i, s := range w.segments {
		how := moves
		if w.keep[i] {
			how = keeps
		}
		if s.ID != 0 {
			w.sink.landed(s, w.digests[i], how)
		}
	}
	w.sink.tally.moved(solid(w.segments)-w.kept, w.kept)
}

// keeping notes the segments of which the destination has the same bytes.
func (w *scatter) keeping(indexes []int) {
	w.kept = keptBytes(w.segments, indexes)
	w.keep = make(map[int]bool, len(indexes))
	for _, i := range indexes {
		w.keep[i] = true
	}
}

// needsDigest reports whether a segment's own digest is of use: to find the
// segment again in a journal, or to compare what is read back.
func (s *sink) needsDigest(seg Segment) bool {
	if s.options.ReadBack {
		return true
	}
	t := s.find(seg.ID)
	return t != nil && seg.Len < t.entry.Meta.Size
}

// compare returns the indexes of the segments whose digests are the same at both
// ends.
func compare(segments []Segment, here func(Segment) (transport.Digest, bool)) []int {
	var same []int
	for i, s := range segments {
		if !s.Compare || s.ID == 0 {
			continue
		}
		if d, ok := here(s); ok && d == s.Digest {
			same = append(same, i)
		}
	}
	return same
}

// solid is how many bytes of a bundle mean something.
func solid(segments []Segment) int64 {
	var n int64
	for _, s := range segments {
		if s.ID != 0 {
			n += s.Len
		}
	}
	return n
}
