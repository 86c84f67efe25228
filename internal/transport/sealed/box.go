package sealed

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

const (
	tagSize   = 16 // bytes: all that GCM has
	nonceSize = 12
	overhead  = tagSize + nonceSize
)

// box seals and opens the chunks of one end of a connection, and counts what that takes.
type box struct {
	aead   cipher.AEAD
	setup  transport.Setup
	lent   bool         // the peer, or who forges its packets, can reach the slots: nothing is in the clear there
	spare  sync.Pool    // of *[]byte: chunks that nobody else can reach
	digest atomic.Int64 // nanoseconds
	cipher atomic.Int64 // nanoseconds
}

// around is an extent as the connection that is sealed has it.
func around(ext transport.Extent) transport.Extent {
	ext.Len += overhead
	return ext
}

// bound is what a chunk is bound to.
func bound(ext transport.Extent) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, uint64(ext.Off)), uint32(ext.Len))
}

// block is more than what storage moves beyond the end of what it is asked for.
const block = 64 << 10

// apart is memory for what slot holds in the clear, and done gives it back.
func (b *box) apart(slot []byte) (clear []byte, done func()) {
	if !b.lent {
		return slot, func() {}
	}
	buf, ok := b.spare.Get().(*[]byte)
	if !ok {
		fresh := make([]byte, b.setup.ChunkSize+overhead+block)
		buf = &fresh
	}
	return (*buf)[:len(slot)], func() { b.spare.Put(buf) }
}

// seal encrypts what clear holds into p, which has room for the overhead behind the extent
// and may be the same memory, and returns the digest of what it was.
func (b *box) seal(p, clear []byte, ext transport.Extent) transport.Digest {
	n := ext.Len
	digest := b.sum(clear[:n])
	begun := time.Now()
	defer func() { b.cipher.Add(int64(time.Since(begun))) }()
	nonce := p[n+tagSize : n+overhead]
	_, _ = rand.Read(nonce) // it never fails
	b.aead.Seal(p[:0], nonce, clear[:n], bound(ext))
	return digest
}

// errForged is why bytes are refused that this end's peer has not sealed.
var errForged = errors.New("what arrived is not what the other end has encrypted: somebody on the way, or a device, has changed it")

// open decrypts p, and returns the digest of what it is.
func (b *box) open(p []byte, ext transport.Extent) (transport.Digest, error) {
	n := ext.Len
	begun := time.Now()
	_, err := b.aead.Open(p[:0], p[n+tagSize:n+overhead], p[:n+tagSize], bound(ext))
	b.cipher.Add(int64(time.Since(begun)))
	if err != nil {
		return transport.Digest{}, fault.New(fault.Integrity, fmt.Sprintf("decrypting %d bytes", n), errForged,
			"run the same command again; if it comes again, find out what is between the two hosts")
	}
	return b.sum(p[:n]), nil
}

func (b *box) sum(p []byte) transport.Digest {
	begun := time.Now()
	defer func() { b.digest.Add(int64(time.Since(begun))) }()
	return b.setup.Sum(p)
}

// stats are those of the connection, without what sealing adds to bytes and has taken of
// the time for reading and writing.
func (b *box) stats(s transport.Stats, stage func(*transport.Stats) *time.Duration) transport.Stats {
	s.Bytes -= min(s.Bytes, overhead*s.Chunks)
	digest, cipher := time.Duration(b.digest.Load()), time.Duration(b.cipher.Load())
	took := stage(&s)
	*took -= min(*took, digest+cipher)
	s.Digest += digest
	s.Cipher += cipher
	return s
}

// sealing is a source as it goes over the wire.
type sealing struct {
	box    *box
	src    io.ReaderAt
	ext    transport.Extent
	digest transport.Digest // once it was read
}

// ReadAt reads all of the extent.
func (r *sealing) ReadAt(p []byte, off int64) (int, error) {
	m, err := r.ReadDirect(p, off)
	return m.Bytes, err
}

// ReadDirect is ReadAt for transports that count copies.
func (r *sealing) ReadDirect(p []byte, _ int64) (transport.Moved, error) {
	clear, done := r.box.apart(p)
	defer done()
	m, err := transport.ReadInto(clear[:r.ext.Len], r.src, r.ext.Off)
	if m.Bytes < r.ext.Len {
		return m, err
	}
	r.digest = r.box.seal(p, clear, r.ext)
	return whole(m), nil
}

// opening is a sink of what comes over the wire.
type opening struct {
	box    *box
	dst    io.WriterAt
	ext    transport.Extent
	digest transport.Digest // once it was written
}

// WriteAt writes all of the extent.
func (w *opening) WriteAt(p []byte, off int64) (int, error) {
	m, err := w.WriteDirect(p, off)
	return m.Bytes, err
}

// WriteDirect is WriteAt for transports that count copies.
func (w *opening) WriteDirect(p []byte, _ int64) (transport.Moved, error) {
	clear, done := w.box.apart(p)
	defer done()
	if w.box.lent {
		copy(clear, p) // what is proven must not change before it is written
	}
	digest, err := w.box.open(clear, w.ext)
	if err != nil {
		return transport.Moved{}, err
	}
	m, err := transport.WriteFrom(clear[:w.ext.Len], w.dst, w.ext.Off)
	if m.Bytes < w.ext.Len {
		return m, err
	}
	if w.box.lent {
		m.Copied = m.Bytes
	}
	w.digest = digest
	return whole(m), err
}

// whole adds the overhead to what was moved, which nobody copies.
func whole(m transport.Moved) transport.Moved {
	m.Bytes += overhead
	if m.Copied > 0 {
		m.Why = "what is encrypted goes through slots of registered memory"
	}
	return m
}
