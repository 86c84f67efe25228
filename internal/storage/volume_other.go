//go:build !linux

package storage

import (
	"errors"
	"os"
)

// volumeOf does not know.
func volumeOf(*os.File) (Volume, error) { return Volume{}, nil }

// nameless knows of no such files.
func (d *Dir) nameless() (*os.File, error) { return nil, errors.ErrUnsupported }
