package memory

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// life is the time from Connect to the end of one end of a connection.
type life struct {
	ended chan struct{}
	dead  <-chan struct{} // closed when the host dies

	mu  sync.Mutex
	why error
}

func newLife(dead <-chan struct{}) *life {
	return &life{ended: make(chan struct{}), dead: dead}
}

// end ends the life, for the first reason given; ErrClosed comes in place of an
// earlier ErrLost, since the one who closed an end knows best.
func (l *life) end(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why == nil {
		close(l.ended)
	}
	if l.why == nil || why == transport.ErrClosed { //nolint:errorlint // given bare by Close only
		l.why = why
	}
}

// err is why the life ended; nil while it lasts.
func (l *life) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// lost is an ErrLost with its cause.
func lost(format string, args ...any) error {
	return fmt.Errorf("%w: %s", transport.ErrLost, fmt.Sprintf(format, args...))
}

// over reports whether c is closed.
func over(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// sleep waits for d, or until the life or ctx ends.
func (l *life) sleep(ctx context.Context, d time.Duration) error {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-l.ended:
		case <-ctx.Done():
		}
	}
	return l.alive(ctx)
}

// alive is what a call asks at each step: on an ended connection it fails, and
// on a dead host it hangs until it is given up.
func (l *life) alive(ctx context.Context) error {
	if over(l.dead) {
		select {
		case <-ctx.Done():
		case <-l.ended:
		}
	}
	if err := l.err(); err != nil {
		return err
	}
	return ctx.Err()
}
