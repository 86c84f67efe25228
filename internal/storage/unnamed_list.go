package storage

import (
	"errors"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// enlist puts u on the list of what is open, so that Close finds it.
func (s *Store) enlist(u *unnamed) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fault.New(fault.Internal, "creating "+shown(u.leaf), errors.New("the store is closed"), "")
	}
	u.next = s.unnamed
	if u.next != nil {
		u.next.prev = u
	}
	s.unnamed, u.listed = u, true
	return nil
}

// delist takes u off the list, if it is there.
func (s *Store) delist(u *unnamed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !u.listed {
		return
	}
	if u.next != nil {
		u.next.prev = u.prev
	}
	if u.prev != nil {
		u.prev.next = u.next
	} else {
		s.unnamed = u.next
	}
	u.next, u.prev, u.listed = nil, nil, false
}

// listed returns what is on the list.
func (s *Store) listed() []*unnamed {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*unnamed
	for u := s.unnamed; u != nil; u = u.next {
		all = append(all, u)
	}
	return all
}
