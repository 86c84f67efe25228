package storage

import (
	"fmt"
	"io/fs"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// regular refuses whatever is not a regular file. Opening the others can block,
// rewind a tape or worse, and none has a size that could be promised.
func regular(what string, mode fs.FileMode) error {
	if mode.IsRegular() {
		return nil
	}
	return fault.New(fault.NotRegular, what, fmt.Errorf("it is %s, not a regular file", kind(mode)), fixKind(mode))
}

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeCharDevice != 0:
		return "a character device"
	case mode&fs.ModeDevice != 0:
		return "a block device"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	default:
		return "something special"
	}
}

func fixKind(mode fs.FileMode) string {
	if mode.IsDir() {
		return "name a file in it"
	}
	return "name a regular file"
}
