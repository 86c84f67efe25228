package transfer

import (
	"context"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// defaultOpen is how many files a sink has in the making at once.
const defaultOpen = 1024

// maxBegun is how many files may be begun and not complete of which a bundle brings
// but a part. A lender sees each to its end before the next, so that it has no more
// of them than bundles.
const maxBegun = 1100

// reserve waits until the files that a bundle brings whole may be opened. It takes
// the room for all of them at once, and each gives it back by itself when it is in
// place, so that no two bundles wait for each other.
func (s *sink) reserve(ctx context.Context, segments []Segment) error {
	whole, err := s.count(segments)
	if err != nil {
		return err
	}
	n := min(int64(len(whole)), s.most)
	if n == 0 {
		return nil // not to stand in line behind those who wait for what this bundle brings
	}
	if err := s.room.Acquire(ctx, n); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range whole[:n] {
		t.held = !t.over
		if t.over { // it was given up meanwhile
			s.room.Release(1)
		}
	}
	return nil
}

// count notes which files a bundle opens, and returns those that it brings whole.
func (s *sink) count(segments []Segment) ([]*taken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var whole []*taken
	for _, seg := range segments {
		t := s.files[seg.ID]
		switch {
		case t == nil || t.counted:
			continue
		case t.entry.Meta.Size != tree.Streamed && seg.Len >= t.left:
			whole = append(whole, t)
		default:
			t.begun = true
			if s.begun++; s.begun > maxBegun {
				return nil, broke("%d files are begun at once", s.begun)
			}
		}
		t.counted = true
	}
	return whole, nil
}

// yield gives back the room of a bundle that is to come again. What it has opened stays
// open, which is rare and little; but the bundle may stand behind others that wait
// for this room, and then nobody would move.
func (s *sink) yield(segments []Segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seg := range segments {
		if t := s.files[seg.ID]; t != nil && t.held {
			t.held, t.counted = false, false
			s.room.Release(1)
		}
	}
}

// free gives back what a file has taken of the room.
func (s *sink) free(t *taken) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.over = true
	if t.held {
		t.held = false
		s.room.Release(1)
	}
	if t.begun {
		t.begun = false
		s.begun--
	}
}
