//go:build !linux

package storage

import (
	"errors"
	"io/fs"
	"os"
)

// syncFS does nothing.
func syncFS(*os.File) error { return errors.ErrUnsupported }

// tellsOfFailures says no: files are synced one by one.
func tellsOfFailures(*os.File) bool { return false }

// sameDevice does not know.
func sameDevice(_, _ fs.FileInfo) bool { return false }
