//go:build !unix

package storage

import (
	"errors"
	"io/fs"
	"os"
)

const nonblock = 0

var errLocked = errors.New("locked by another process")

// lock refuses: without a lock that dies with its process, two copies could mix.
func lock(*os.File) error { return errors.ErrUnsupported }

func unlock(*os.File) error { return nil }

func ours(fs.FileInfo) bool { return true }

func noDirSync(error) bool { return false }
