package tree

import (
	"crypto/sha256"
	"hash"
	"io"

	"github.com/zeebo/blake3"
)

// New returns the hash; nil for NoDigest.
func (a Algorithm) New() hash.Hash {
	switch a {
	case BLAKE3:
		return blake3.New()
	case SHA256:
		return sha256.New()
	case NoDigest:
	}
	return nil
}

// String is the algorithm as --digest has it.
func (a Algorithm) String() string {
	switch a {
	case BLAKE3:
		return "blake3"
	case SHA256:
		return "sha256"
	case NoDigest:
	}
	return "none"
}

// Of returns the digest of the size bytes that r holds.
func (a Algorithm) Of(r io.ReaderAt, size int64) ([]byte, error) {
	h := a.New()
	n, err := io.CopyBuffer(h, io.NewSectionReader(r, 0, size), make([]byte, 1<<20))
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}
