package transfer

import (
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// landingOf opens a file when it is first needed.
func (s *sink) landingOf(t *taken) (tree.Landing, error) {
	t.open.Do(func() {
		l, err := s.tree.Open(t.entry, t.verdict)
		if err != nil {
			t.err = err
			return
		}
		t.landing = l
	})
	return t.landing, t.err
}

// wants reports whether anything of a bundle is wanted. Files that come in parts are opened
// for that, ahead of their bytes: one that cannot be may be of any size.
func (s *sink) wants(segments []Segment) bool {
	wanted := false
	for _, seg := range segments {
		t := s.find(seg.ID)
		if t == nil {
			continue
		}
		if !t.whole(seg.Range) {
			if _, err := s.landingOf(t); err != nil {
				s.fail(t, asFault("writing "+t.path.String(), err), false)
				continue
			}
		}
		wanted = true
	}
	return wanted
}

// write writes a segment's bytes. A file that cannot be written is given up, and
// the rest of the bundle goes on.
func (s *sink) write(seg Segment, p []byte) (m transport.Moved) {
	t := s.find(seg.ID)
	if t == nil {
		return m
	}
	l, err := s.landingOf(t)
	if err == nil {
		m, err = transport.WriteFrom(p, l, seg.Off)
	}
	if err != nil {
		s.fail(t, asFault("writing "+t.path.String(), err), false)
	}
	return m
}

// place lets take have the place of a segment in the file to come, and reports whether
// that was all that is to be done.
func (s *sink) place(seg Segment, take func(transport.Place) error) bool {
	t := s.find(seg.ID)
	if t == nil {
		return false
	}
	l, err := s.landingOf(t)
	if err != nil {
		return false // write says why
	}
	paged, ok := l.(transport.Paged)
	return ok && paged.Place(transport.Extent{Off: seg.Off, Len: int(seg.Len)}, func(p transport.Place) error {
		around := tree.Around(t.verdict.Ranges, seg.Range)
		p.Since, p.Until = around.Off, around.End()
		return take(p)
	})
}

// old is the digest of what the destination has of a segment.
func (s *sink) old(seg Segment) (transport.Digest, bool) {
	if t := s.find(seg.ID); t != nil {
		if l, err := s.landingOf(t); err == nil {
			return l.Old(seg.Range)
		}
	}
	return transport.Digest{}, false
}

// arrival is how a segment has come to be at the destination.
type arrival int

const (
	moves   arrival = iota // its bytes were written, and are right
	keeps                  // the destination's file has them
	differs                // it has others, and nothing is to be moved
)

// landed notes a segment that is right. Of a segment that arrives twice, the
// bytes count once.
func (s *sink) landed(seg Segment, d transport.Digest, how arrival) {
	t := s.find(seg.ID)
	if t == nil {
		return
	}
	l, err := s.landingOf(t)
	switch {
	case err != nil:
		s.fail(t, asFault("writing "+t.path.String(), err), false)
		return
	case how == moves:
		l.Landed(seg.Range, d)
	case how == keeps:
		l.Keep(seg.Range)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.whole(seg.Range) {
		t.left = 0
	} else {
		before := t.there.Bytes()
		t.there.Add(seg.Range)
		t.left -= t.there.Bytes() - before
	}
	s.settleUp(t)
}
