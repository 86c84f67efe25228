//go:build !linux

package sendpath

import (
	"context"
	"fmt"
)

// sender is what sends on Linux.
type sender struct{}

// Paths are none: the ways that are compared are Linux's.
func Paths() []Path { return nil }

// Send fails with ErrSkip.
func (Path) Send(context.Context, string) (Cost, error) {
	return Cost{}, fmt.Errorf("%w: it is not Linux", ErrSkip)
}
