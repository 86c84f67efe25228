//go:build !linux

package storage

import (
	"io/fs"
	"os"
	"time"
)

// openBare opens nothing: the name has to do.
func openBare(*os.File, string) (*os.File, error) { return nil, nil }

func chmod(on *subject, mode fs.FileMode) error { return on.root.Chmod(on.leaf, mode) }

func chown(on *subject, uid, gid int) error { return on.root.Lchown(on.leaf, uid, gid) }

func setTime(on *subject, t time.Time) error {
	return setModTime(on.file, on.root, on.leaf, t)
}

// umask is what most have.
func umask() fs.FileMode { return 0o022 }
