package transporttest

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
)

// file is a source in memory. Unlike bytes.Reader it says io.EOF together with
// the last byte, as io.ReaderAt allows.
type file []byte

// newFile returns a file of n bytes of noise, the same for the same n.
func newFile(n int) file {
	f := make(file, n)
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	for i := range f {
		f[i] = byte(rng.Uint32())
	}
	return f
}

func (f file) ReadAt(b []byte, off int64) (int, error) {
	if off >= int64(len(f)) {
		return 0, io.EOF
	}
	n := copy(b, f[off:])
	if off+int64(n) == int64(len(f)) {
		return n, io.EOF
	}
	return n, nil
}

// untouched is what a room holds where nothing was written.
const untouched = 0xA5

// room is a sink in memory that grows no further than it was made.
type room struct {
	mu   sync.Mutex
	data []byte
}

// newRoom returns room for n bytes.
func newRoom(n int) *room {
	return &room{data: bytes.Repeat([]byte{untouched}, n)}
}

func (r *room) WriteAt(b []byte, off int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if off < 0 || off+int64(len(b)) > int64(len(r.data)) {
		return 0, errors.New("write outside of the room")
	}
	return copy(r.data[off:], b), nil
}

// mustEqual fails the test unless the room holds exactly want.
func (r *room) mustEqual(t *testing.T, want []byte) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.data) != len(want) {
		t.Fatalf("sink has %d bytes, want %d", len(r.data), len(want))
	}
	for i := range want {
		if r.data[i] != want[i] {
			t.Fatalf("sink differs from byte %d on: %#02x, want %#02x", i, r.data[i], want[i])
		}
	}
}

// errDisk is the error of broken files.
var errDisk = errors.New("the disk is on fire")

// broken is a file that can neither be read nor written.
type broken struct{}

func (broken) ReadAt([]byte, int64) (int, error)  { return 0, errDisk }
func (broken) WriteAt([]byte, int64) (int, error) { return 0, errDisk }

// stunted is a sink that writes one byte less than asked for, and says so only
// by the count.
type stunted struct{}

func (stunted) WriteAt(b []byte, _ int64) (int, error) { return len(b) - 1, nil }
