//go:build !linux

package mr

import "github.com/rdmacp/rdmacp/internal/verbs"

const hugePage = 2 << 20

// mapping is never made here: without Linux there is no device to register it with.
type mapping struct {
	mem  []byte
	huge bool
}

func mapAnonymous(int) (*mapping, error) { return nil, verbs.ErrNotSupported }

func (*mapping) unmap() error { return nil }
