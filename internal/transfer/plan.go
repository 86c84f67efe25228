package transfer

import "github.com/rdmacp/rdmacp/internal/transport"

// Plan cuts a file into chunks: chunk i starts at offset i*Chunk, and all but
// the last are Chunk bytes long.
type Plan struct {
	Size  int64 // of the file, bytes
	Chunk int   // bytes
}

// Chunks returns the number of chunks; none for an empty file.
func (p Plan) Chunks() int64 {
	if p.Size <= 0 {
		return 0
	}
	return (p.Size-1)/int64(p.Chunk) + 1 // can't overflow, however long the file
}

// Extent returns chunk i's range of the file.
func (p Plan) Extent(i int64) transport.Extent {
	off := i * int64(p.Chunk)
	return transport.Extent{Off: off, Len: int(min(int64(p.Chunk), p.Size-off))}
}
