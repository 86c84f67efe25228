//go:build !linux

package storage

import (
	"errors"
	"os"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// take copies what from holds at r to the same place of to.
func take(to, from *os.File, r tree.Range) error { return transfer(to, from, r) }

// nextData knows of no holes.
func nextData(_ *os.File, r tree.Range) tree.Range { return r }

// punch makes no holes.
func punch(*os.File, tree.Range) error { return errors.ErrUnsupported }

// dropCache leaves it to the system.
func dropCache(*os.File) error { return nil }

// syncData brings a file's bytes to stable storage.
func syncData(f *os.File) error { return f.Sync() }
