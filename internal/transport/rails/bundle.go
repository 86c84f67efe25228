package rails

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// Ever is how many rails a connection has in its life at most: tickets name them by a
// byte, and the number of one that is gone is not given again.
const Ever = 256

// ErrNoRoom says that a connection does not take a rail.
var ErrNoRoom = errors.New("rails: the connection does not take the rail")

// errNone is why a rail is gone that did not come about.
var errNone = fmt.Errorf("%w: it did not come about", transport.ErrLost)

// bundle is the rails of either end, and which of them are gone.
type bundle[T end] struct {
	dropped func(i int, why error) // told of each that goes; may be nil

	mu       sync.Mutex
	rails    []T     // the zero T: not connected
	gone     []error // by rail
	replaced []bool  // by rail
	left     int     // rails that are not gone
	closed   bool
}

// end is either end of a connection.
type end interface {
	comparable
	io.Closer
	Stats() transport.Stats
}

func newBundle[T end](ends []T, dropped func(int, error)) *bundle[T] {
	var none T
	b := &bundle[T]{rails: ends, dropped: dropped, gone: make([]error, len(ends)), replaced: make([]bool, len(ends))}
	for i, e := range ends {
		if e == none {
			b.gone[i] = errNone
			continue
		}
		b.left++
	}
	return b
}

// at returns a rail; the zero T if there is none of that number.
func (b *bundle[T]) at(i int) (rail T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i < len(b.rails) {
		rail = b.rails[i]
	}
	return rail
}

// replace puts a rail beside those that are left, and closes the one that it is in the
// place of, lest something late come over that. The zero T takes a number, and is gone
// from the start. After an error the rail is still the caller's.
func (b *bundle[T]) replace(lost int, by T) (i int, err error) {
	var none T
	if err := b.claim(lost); err != nil {
		return 0, err
	}
	b.lose(lost, fmt.Errorf("%w: it is replaced", transport.ErrLost))
	if old := b.at(lost); old != none {
		_ = old.Close() // its memory is gone, or is with the kernel
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.left == 0 {
		return 0, ErrNoRoom
	}
	b.rails, b.replaced, b.gone = append(b.rails, by), append(b.replaced, false), append(b.gone, errNone)
	i = len(b.rails) - 1
	if by != none {
		b.gone[i] = nil
		b.left++
	}
	return i, nil
}

// claim notes that a rail is replaced, if it can be: others are left without it.
func (b *bundle[T]) claim(lost int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if lost >= len(b.rails) {
		return fmt.Errorf("%w: rail %d is to be replaced, and never was", ErrNoRoom, lost)
	}
	others := b.left
	if b.gone[lost] == nil {
		others--
	}
	switch {
	case b.replaced[lost]:
		return fmt.Errorf("%w: rail %d is to be replaced twice", ErrNoRoom, lost)
	case b.closed || others == 0 || len(b.rails) == Ever:
		return ErrNoRoom
	}
	b.replaced[lost] = true
	return nil
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

// connected are the rails that there are or were.
func (b *bundle[T]) connected() (all []T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var none T
	for _, r := range b.rails {
		if r != none {
			all = append(all, r)
		}
	}
	return all
}

// Stats adds up what all rails did.
func (b *bundle[T]) Stats() (all transport.Stats) {
	for _, r := range b.connected() {
		all = all.Plus(r.Stats())
	}
	return all
}

// Close closes all rails at once: each may have to wait for its wire.
func (b *bundle[T]) Close() error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	rails := b.connected()
	errs := make([]error, len(rails))
	var wg sync.WaitGroup
	for i, r := range rails {
		wg.Go(func() {
			defer fault.Caught(&errs[i], "closing a rail")
			errs[i] = r.Close()
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
