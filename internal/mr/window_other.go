//go:build !linux

package mr

import (
	"errors"
	"syscall"

	"github.com/rdmacp/rdmacp/internal/verbs"
)

// ErrGone is never answered here.
var ErrGone = errors.New("mr: the file has become shorter")

// Window is never made here: without Linux there is no device to register it with.
type Window struct{}

// MapFile fails with verbs.ErrNotSupported.
func MapFile(*verbs.PD, *Budget, syscall.RawConn, int64, int, verbs.Access) (*Window, error) {
	return nil, verbs.ErrNotSupported
}

// Addr returns 0.
func (*Window) Addr(int64) uint64 { return 0 }

// LKey returns 0.
func (*Window) LKey() verbs.Key { return 0 }

// RKey returns 0.
func (*Window) RKey() verbs.Key { return 0 }

// Read fails with verbs.ErrNotSupported.
func (*Window) Read(int64, int, func([]byte)) error { return verbs.ErrNotSupported }

// Close does nothing.
func (*Window) Close() error { return nil }
