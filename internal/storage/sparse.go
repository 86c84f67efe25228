package storage

import (
	"time"

	"github.com/rdmacp/rdmacp/internal/tree"
)

const (
	// sparseFrom is the size in bytes from which on it is worth to look for holes.
	// Below, that takes longer than to send them.
	sparseFrom = 32 << 10

	// maxRanges is how many ranges an entry has at most.
	maxRanges = 512

	// maxLooked is how many ranges are looked for: a file may have millions.
	maxLooked = 64 << 10
)

// statBlock is the unit in which stat counts what a file takes on disk, in bytes,
// whatever the block size of its file system.
const statBlock = 512

// sparse reports whether a file seems to have holes.
func (f *found) sparse() bool {
	return f.size >= sparseFrom && f.blocks < f.size/statBlock && seeksData
}

// findData finds out where the file's bytes are. A file without holes after all,
// one that is compressed for example, has nil.
func (f *found) findData(file *rawFile) error {
	// What is written into a hole within the tick would not show.
	if at := settled(f.changed); !at.IsZero() {
		time.Sleep(time.Until(at))
	}
	data, err := file.data(f.size)
	if err != nil {
		return err
	}
	if len(data) == 1 && data[0] == (tree.Range{Off: 0, Len: f.size}) {
		data = nil
	}
	f.data = tree.Coalesce(data, maxRanges)
	return nil
}
