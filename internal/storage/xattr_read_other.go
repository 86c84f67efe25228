//go:build !linux

package storage

import "github.com/rdmacp/rdmacp/internal/tree"

func (w *walkDir) xattrs(string, bool, tree.WalkOptions) ([]tree.Xattr, error) { return nil, nil }

func (f *rawFile) xattrs(tree.WalkOptions) ([]tree.Xattr, error) { return nil, nil }
