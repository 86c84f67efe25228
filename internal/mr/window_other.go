//go:build !linux

package mr

import (
	"errors"
	"syscall"

	"github.com/rdmacp/rdmacp/internal/verbs"
)

// ErrGone is never answered here.
var ErrGone = errors.New("mr: the file has become shorter")

// Pages are never mapped here: without Linux there is no device to register them with.
type Pages struct{}

// MapFile fails with verbs.ErrNotSupported.
func MapFile(syscall.RawConn, int64, int, bool) (*Pages, error) { return nil, verbs.ErrNotSupported }

// Register fails with verbs.ErrNotSupported.
func (*Pages) Register(*verbs.PD, *Budget, int64, int, verbs.Access) (*Window, error) {
	return nil, verbs.ErrNotSupported
}

// Read fails with verbs.ErrNotSupported.
func (*Pages) Read(int64, int, func([]byte)) error { return verbs.ErrNotSupported }

// Close does nothing.
func (*Pages) Close() error { return nil }

// Window is never made here.
type Window struct{}

// Addr returns 0.
func (*Window) Addr(int64) uint64 { return 0 }

// LKey returns 0.
func (*Window) LKey() verbs.Key { return 0 }

// RKey returns 0.
func (*Window) RKey() verbs.Key { return 0 }

// Close does nothing.
func (*Window) Close() error { return nil }
