package server

import (
	"errors"
	"sync"
)

// shared are the exports that are in force.
type shared struct {
	mu      sync.Mutex
	exports exports
	old     []exports // that were in force, and that transfers may be at
}

// now are the exports for a transfer that begins.
func (s *shared) now() exports {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exports
}

// Reload puts other exports in the place of those that there are; an error leaves those in
// force. Transfers that run end as they have begun. Directories that are exported no more
// are closed by the next Reload that finds no session, or by Close.
func (s *Server) Reload(configs []Export) error {
	fresh, err := openExports(configs)
	if err != nil {
		return err
	}
	h := &s.shared
	h.mu.Lock()
	defer h.mu.Unlock()
	h.old = append(h.old, h.exports)
	h.exports = fresh
	if s.Idle() == 0 {
		return nil
	}
	_ = closeAll(h.old) // who comes in from here on gets the new ones, and nothing was written to the old
	h.old = nil
	return nil
}

func (s *shared) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return closeAll(append(s.old, s.exports))
}

func closeAll(all []exports) error {
	var errs []error
	for _, es := range all {
		errs = append(errs, es.close())
	}
	return errors.Join(errs...)
}
