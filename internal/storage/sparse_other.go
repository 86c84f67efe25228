//go:build !linux

package storage

import "github.com/rdmacp/rdmacp/internal/tree"

// seeksData says that this system does not tell where a file's bytes are.
const seeksData = false

func (f *rawFile) data(int64) ([]tree.Range, error) { return nil, nil }
