//go:build !linux

package storage

import (
	"errors"
	"io/fs"
	"os"
)

// takesUnnamed says no: what follows is not called.
func takesUnnamed(*os.File) (takes, alone bool) { return false, false }

func descriptor(*os.File) int { return -1 }

func (h *handle) has(string) bool { return true }

func (h *handle) heedsModes() bool { return false }

func makeUnnamed(*handle, fs.FileMode) (*rawFile, error) { return nil, errors.ErrUnsupported }

func cannotMake(error) bool { return true }

func cannotLink(error) bool { return true }

func (f *rawFile) link(*handle, string) error { return errors.ErrUnsupported }

func (f *rawFile) sync() error { return f.Sync() }

// knownUmask does not know.
func knownUmask() (fs.FileMode, bool) { return 0, false }
