package client

import (
	"context"
	"errors"
	"time"
)

// hangUpLimit bounds the wait for the daemon's goodbye.
const hangUpLimit = time.Second

// Close ends the session and takes back what was lent. The daemon goes first, so
// that it does not find the memory gone while it still works on it. Close may be
// called again.
func (s *Session) Close() error { return s.close(context.Background()) }

func (s *Session) close(ctx context.Context) error {
	s.closing.Do(func() {
		if s.pipe != nil {
			ctx, cancel := context.WithTimeout(ctx, hangUpLimit)
			s.pipe.HangUp(ctx)
			cancel()
		}
		if s.lender != nil {
			s.closed = s.lender.Close()
		}
		s.railMu.Lock()
		s.cancel() // nothing is mended from here on
		s.railMu.Unlock()
		s.settle()
		s.closed = errors.Join(s.closed, s.forget())
		s.closed = errors.Join(s.closed, s.conn.Close())
		_ = s.raw.Close() // gRPC has closed it, if it ever took it
	})
	return s.closed
}
