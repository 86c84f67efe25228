//go:build !linux

package storage

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// linkNames gives a file one more name. Paths may lead elsewhere by now: the caller looks at
// what has come of it.
func linkNames(from *os.File, leaf string, to *os.File, name string) error {
	return os.Link(filepath.Join(from.Name(), leaf), filepath.Join(to.Name(), name))
}

// makeNode makes nothing.
func makeNode(*os.File, string, tree.Kind, tree.Meta) error { return errors.ErrUnsupported }

// renameHere puts a file of the place's directory at its leaf.
func renameHere(p *place, from string) error { return p.root.Rename(from, p.leaf) }
