//go:build !linux

package storage

import (
	"errors"

	"github.com/rdmacp/rdmacp/internal/tree"
)

// applyXattrs sets none.
func (s *Store) applyXattrs(_ *subject, want []tree.Xattr) error {
	if len(want) == 0 {
		return nil
	}
	return errors.ErrUnsupported
}

// attrsDiffer does not know.
func (s *Store) attrsDiffer(*place, []tree.Xattr) tree.Change { return 0 }
