package server

import (
	"errors"
	"sync"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// shared are the exports that are in force.
type shared struct {
	mu      sync.Mutex
	exports exports
	limits  []Limit
	old     []exports // that were in force, and that transfers may be at
	closed  bool
}

// now are the exports for a transfer that begins.
func (s *shared) now() exports {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exports
}

// limit is what holds for a client's transfer that begins.
func (s *shared) limit(names []string) Limit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return limitOf(s.limits, names)
}

// Reload puts other exports and limits in the place of those that there are; an error leaves those in
// force. Transfers that run end as they have begun. Directories that are exported no more
// are closed once there is no session.
func (s *Server) Reload(configs []Export, limits []Limit) error {
	fresh, err := openExports(configs)
	if err != nil {
		return err
	}
	if err := s.shared.replace(fresh, limits); err != nil {
		return errors.Join(err, fresh.close())
	}
	s.closeOld()
	return nil
}

func (s *shared) replace(fresh exports, limits []Limit) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fault.New(fault.Interrupted, "taking other exports", errors.New("the daemon is being stopped"), "start it again")
	}
	s.old = append(s.old, s.exports)
	s.exports, s.limits = fresh, limits
	return nil
}

// closeOld closes what is exported no more if nobody can be at it.
func (s *Server) closeOld() {
	h := &s.shared
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.old) == 0 || s.Idle() == 0 {
		return
	}
	_ = closeAll(h.old) // who comes in from here on gets the new ones, and nothing was written to the old
	h.old = nil
}

func (s *shared) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := append(s.old, s.exports)
	s.closed, s.old = true, nil
	return closeAll(all)
}

func closeAll(all []exports) error {
	var errs []error
	for _, es := range all {
		errs = append(errs, es.close())
	}
	return errors.Join(errs...)
}
