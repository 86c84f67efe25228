//go:build !linux

package storage

import (
	"errors"
	"os"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// linkNames makes no hard links.
func linkNames(*os.File, string, *os.File, string) error { return errors.ErrUnsupported }

// makeNode makes nothing.
func makeNode(*os.File, string, tree.Kind, tree.Meta) error { return errors.ErrUnsupported }

// renameHere puts a file of the place's directory at its leaf.
func renameHere(p *place, from string) error { return p.root.Rename(from, p.leaf) }
