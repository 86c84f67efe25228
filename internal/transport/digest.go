package transport

import (
	"encoding/hex"

	"github.com/zeebo/xxh3"
)

// Digest is the XXH3 128-bit digest of a chunk, in xxHash's canonical
// (big-endian) form. It guards against faults; it is no defence against
// forgery.
type Digest [16]byte

// Sum returns the digest of b.
func Sum(b []byte) Digest { return Digest(xxh3.Hash128(b).Bytes()) }

// Hasher makes the digest of a chunk that comes in pieces.
type Hasher struct{ h xxh3.Hasher }

// Write adds a piece; it does not fail.
func (h *Hasher) Write(p []byte) (int, error) { return h.h.Write(p) }

// Sum returns the digest of all pieces.
func (h *Hasher) Sum() Digest { return Digest(h.h.Sum128().Bytes()) }

// String returns the digest in hexadecimal, as xxh128sum prints it.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }
