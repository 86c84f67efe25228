//go:build !linux

package storage

import (
	"errors"
	"os"
)

// rawFile is a file that is open for reading.
type rawFile struct{ *os.File }

// newRawFile takes over f.
func newRawFile(f *os.File) (*rawFile, error) { return &rawFile{f}, nil }

func (f *rawFile) look() (status, error) {
	info, err := f.Stat()
	if err != nil {
		return status{}, err
	}
	return statusOf(info), nil
}

// use is for what this system has not.
func (*rawFile) use(func(fd int) error) error { return errors.ErrUnsupported }
