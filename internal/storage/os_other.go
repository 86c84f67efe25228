//go:build !linux && !windows

package storage

import (
	"io/fs"
	"os"
	"time"
)

// freeSpace does not know; the writes will tell.
func freeSpace(*os.File) (uint64, bool, error) { return 0, false, nil }

// preallocate leaves it to the writes.
func preallocate(*os.File, int64) error { return nil }

// allocated does not know.
func allocated(*os.File, fs.FileInfo) int64 { return 0 }

// setModTime sets the time of the last change of the file called name.
func setModTime(_ *os.File, root *os.Root, name string, t time.Time) error {
	return root.Chtimes(name, time.Time{}, t)
}
