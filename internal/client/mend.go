package client

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/rails"
	"github.com/rdmacp/rdmacp/internal/wire"
	pb "github.com/rdmacp/rdmacp/proto/rdmacp/v1"
)

// How long a rail that was lost is left alone: a second at first, and longer each time
// that it cannot be made anew or is lost again, since what is lent on a rail that does not
// carry it waits until the device gives up.
const (
	firstRest   = time.Second
	longestRest = time.Minute
)

// joining is a rail that the daemon was asked for.
type joining struct {
	pending transport.Pending[transport.Lender]
	lost    int           // which it is in the place of
	rest    time.Duration // how long that was left alone
}

// mend asks the daemon for another rail over the device of one that was lost, once the
// device is there again. What becomes of it, joined will see.
func (s *Session) mend(ctx context.Context, lost int, rest time.Duration) {
	setup := s.setup(lost)
	for {
		select {
		case <-time.After(rest):
		case <-ctx.Done():
			return
		}
		pending, err := s.fabric.PrepareLender(ctx, setup)
		if err == nil {
			err = s.join(ctx, &joining{pending, lost, rest})
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		s.options.Logger.Debug("a rail is not back", slog.Int("rail", lost), slog.String("device", setup.Device), slog.Any("reason", err))
		rest = longer(rest)
	}
}

func longer(rest time.Duration) time.Duration { return min(2*rest, longestRest) }

// setup is what a rail was made of.
func (s *Session) setup(rail int) transport.Setup {
	s.railMu.Lock()
	defer s.railMu.Unlock()
	return s.setups[rail]
}

// rest is how long the device of a rail is left alone that was lost: longer, the more
// often it has been.
func (s *Session) rest(rail int) time.Duration {
	s.railMu.Lock()
	defer s.railMu.Unlock()
	rest := firstRest
	for _, earlier := range s.setups[:rail] {
		if earlier.Device == s.setups[rail].Device {
			rest = longer(rest)
		}
	}
	return rest
}

var errBusy = errors.New("another rail is being made")

// join asks the daemon. One is asked for at a time, so that both ends number rails alike.
func (s *Session) join(ctx context.Context, j *joining) error {
	s.railMu.Lock()
	err := ctx.Err() // of a session that ends meanwhile nobody else closes what is pending
	if err == nil && s.joining != nil {
		err = errBusy
	}
	if err == nil {
		s.joining = j
	}
	s.railMu.Unlock()
	if err != nil {
		return errors.Join(err, j.pending.Close())
	}
	r := wire.FromRail(wire.Rail{Endpoint: j.pending.Endpoint(), Lost: j.lost})
	return s.pipe.Send(ctx, &pb.SessionRequest{Message: &pb.SessionRequest_Rail{Rail: r}})
}

// joined heeds the daemon's answer.
func (s *Session) joined(ctx context.Context, m *pb.Rail) error {
	s.railMu.Lock()
	j := s.joining
	s.joining = nil
	s.railMu.Unlock()
	r, err := wire.ToRail(m)
	if err == nil && j == nil {
		err = fault.New(fault.Protocol, "copying", errors.New("the daemon has made a rail that it was not asked for"), "")
	}
	if err != nil {
		if j != nil {
			err = errors.Join(err, j.pending.Close())
		}
		return err
	}
	if r.None() {
		s.options.Logger.Debug("a rail is not back", slog.Int("rail", j.lost), slog.String("reason", r.Reason))
		s.again(j.lost, longer(j.rest))
		s.tidied(j.pending.Close())
		return nil
	}
	device := j.pending.Endpoint().Device
	end, err := j.pending.Connect(ctx, r.Endpoint)
	if err != nil {
		s.options.Logger.Debug("a rail is not back", slog.Int("rail", j.lost), slog.Any("reason", err))
		end = nil // it takes a number at this end, too
	}
	return s.admit(j, end, device)
}

// tidied tells of what could not be cleaned up of a rail that is not used: it is no reason
// to end a copy.
func (s *Session) tidied(err error) {
	if err != nil {
		s.options.Logger.Debug("a rail that is not used could not be closed", slog.Any("error", err))
	}
}

// settle waits until nothing is mended any more, but not for a device that hangs.
func (s *Session) settle() {
	done := make(chan struct{})
	go func() {
		s.menders.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(hangUpLimit):
		s.options.Logger.Debug("a device takes its time to make a rail")
	}
}

// admit has a rail carry what is lent.
func (s *Session) admit(j *joining, end transport.Lender, device string) error {
	s.railMu.Lock()
	rail := len(s.setups)
	s.setups = append(s.setups, s.setups[j.lost])
	s.railMu.Unlock()
	if err := s.lender.Lender.(rails.Replacer[transport.Lender]).Replace(j.lost, end); err != nil { //nolint:forcetypeassert // rails has made it
		if end == nil {
			return nil
		}
		s.tidied(end.Close()) // the connection is lost, or ends
		return nil
	}
	if end == nil {
		s.again(rail, longer(j.rest))
		return nil
	}
	s.options.Logger.Info("a rail is back", slog.Int("rail", rail), slog.String("device", device))
	s.railMu.Lock()
	defer s.railMu.Unlock()
	s.back = append(s.back, device)
	return nil
}

// forget gives up what the daemon was asked for and has not answered.
func (s *Session) forget() error {
	s.railMu.Lock()
	defer s.railMu.Unlock()
	if s.joining == nil {
		return nil
	}
	defer func() { s.joining = nil }()
	return s.joining.pending.Close()
}
