package client

import (
	"context"
	"log/slog"
	"slices"

	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/rails"
)

// further is a fabric that knows of rails beside the one that a setup chooses.
type further interface {
	Further(ctx context.Context, s transport.Setup) []transport.Setup
}

// rails are the rails that a session is offered to use, with its slots divided among
// them.
func (s *Session) rails(ctx context.Context, first transport.Setup) []rails.Rail {
	setups := []transport.Setup{first}
	most := rails.Most
	if s.options.Rails > 0 {
		most = min(most, s.options.Rails)
	}
	if f, ok := s.options.Fabric.(further); ok && most > 1 {
		setups = append(setups, f.Further(ctx, first)...)
	}
	setups = setups[:min(len(setups), most)]
	rs := make([]rails.Rail, 0, len(setups))
	for i := range setups {
		setups[i].Slots = rails.Share(s.options.Slots, len(setups))
		rs = append(rs, rails.Rail{Fabric: s.fabric, Setup: setups[i]})
	}
	s.setups = setups
	return rs
}

// dropped tells of a rail that is not used, or no longer.
func (s *Session) dropped(i int, why error) {
	name := s.setup(i).Device
	attrs := []any{slog.Int("rail", i), slog.String("device", name), slog.Any("reason", why)}
	if s.lender == nil {
		s.options.Logger.Debug("a rail cannot be used", attrs...)
		return
	}
	s.options.Logger.Warn("a rail is lost, and the copy goes on over the others", attrs...)
	s.again(i, s.rest(i))
	s.railMu.Lock()
	defer s.railMu.Unlock()
	s.lost = append(s.lost, name)
}

// lostRails names the rails that were lost so far.
func (s *Session) lostRails() []string {
	s.railMu.Lock()
	defer s.railMu.Unlock()
	return slices.Clone(s.lost)
}

// railsBack names those that came back.
func (s *Session) railsBack() []string {
	s.railMu.Lock()
	defer s.railMu.Unlock()
	return slices.Clone(s.back)
}

// devices names those of an end's rails that the peer has an end of, too.
func devices(e, peer transport.Endpoint) []string {
	names := []string{e.Device}
	for i, more := range e.More {
		if i < len(peer.More) && len(peer.More[i].QPs) > 0 && len(more.QPs) > 0 {
			names = append(names, more.Device)
		}
	}
	return names
}
