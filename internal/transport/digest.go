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

// String returns the digest in hexadecimal, as xxh128sum prints it.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }
