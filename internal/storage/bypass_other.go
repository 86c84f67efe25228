//go:build !linux

package storage

import (
	"errors"
	"os"
)

// openBypass knows of no way.
func openBypass(int, int) (*os.File, int, error) { return nil, 0, errors.ErrUnsupported }

// livesInMemory does not know.
func livesInMemory(*os.File) bool { return false }

// readCached knows of no way.
func readCached(int, []byte, int64) (int, error) { return 0, errors.ErrUnsupported }
