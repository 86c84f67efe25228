package rails

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/rdmacp/rdmacp/internal/transport"
)

// bundle is the rails of either end, and which of them are gone.
type bundle[T end] struct {
	rails []T // the zero T: not connected

	dropped func(i int, why error) // told of each that goes; may be nil

	mu   sync.Mutex
	gone []error // by rail
	left int     // rails that are not gone
}

// end is either end of a connection.
type end interface {
	comparable
	io.Closer
	Stats() transport.Stats
}

func newBundle[T end](ends []T, dropped func(int, error)) *bundle[T] {
	var none T
	b := &bundle[T]{rails: ends, dropped: dropped, gone: make([]error, len(ends))}
	for _, e := range ends {
		if e != none {
			b.left++
		}
	}
	return b
}

// blame makes of the loss of a rail that of the rail alone, as long as there are
// others. A rail that was given up answers that it is closed.
func (b *bundle[T]) blame(i int, err error) error {
	if errors.Is(err, transport.ErrClosed) && b.isGone(i) {
		err = fmt.Errorf("%w: it was given up", transport.ErrLost)
	}
	if !errors.Is(err, transport.ErrLost) {
		return err
	}
	if b.lose(i, err) > 0 {
		return fmt.Errorf("%w: rail %d: %v", transport.ErrRail, i, err) //nolint:errorlint // the connection is not lost
	}
	return err
}

// lose notes that a rail is gone, and returns how many are left.
func (b *bundle[T]) lose(i int, why error) (left int) {
	b.mu.Lock()
	news := b.gone[i] == nil
	if news {
		b.gone[i] = why
		b.left--
	}
	left = b.left
	b.mu.Unlock()
	if news && left > 0 && b.dropped != nil {
		b.dropped(i, why)
	}
	return left
}

// isGone reports whether a rail is gone.
func (b *bundle[T]) isGone(i int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.gone[i] != nil
}

// Stats adds up what all rails did.
func (b *bundle[T]) Stats() (all transport.Stats) {
	var none T
	for _, r := range b.rails {
		if r != none {
			all = all.Plus(r.Stats())
		}
	}
	return all
}

// Close closes all rails at once: each may have to wait for its wire.
func (b *bundle[T]) Close() error {
	var none T
	errs := make([]error, len(b.rails))
	var wg sync.WaitGroup
	for i, r := range b.rails {
		if r != none {
			wg.Go(func() { errs[i] = r.Close() })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}
