package transfer_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
)

// disk is a file on a disk that takes its time and fails at one chunk.
type disk struct {
	fault diskFault
	chunk int
	slow  memory.Faults // for its seed and delay

	mu   sync.Mutex
	data []byte
}

var errRaw = errors.New("not classed by anyone")

// wait takes the time of an access, which depends on the place only.
func (d *disk) wait(off int64) {
	rng := rand.New(rand.NewPCG(d.slow.Seed, uint64(off)*31+17))
	time.Sleep(time.Duration(1 + rng.Int64N(int64(d.slow.Delay))))
}

// access does one access with the fault that is due: do moves n bytes.
func (d *disk) access(off int64, n int, do func(n int)) (int, error) {
	d.wait(off)
	d.mu.Lock()
	defer d.mu.Unlock()
	kind := healthy
	if d.fault.chunk == off/int64(d.chunk) {
		kind = d.fault.kind
	}
	switch kind {
	case rawError:
		return 0, errRaw
	case ioFault:
		return 0, fault.New(fault.IO, "accessing the file", errRaw, "")
	case noSpace:
		return 0, fault.New(fault.NoSpace, "writing the file", errRaw, "")
	case shortAccess:
		do(n - 1)
		return n - 1, nil
	case healthy:
	}
	do(n)
	return n, nil
}

func (d *disk) ReadAt(b []byte, off int64) (int, error) {
	n, err := d.access(off, len(b), func(n int) { copy(b[:n], d.data[off:]) })
	if err == nil && off+int64(n) == int64(len(d.data)) {
		err = io.EOF
	}
	return n, err
}

func (d *disk) WriteAt(b []byte, off int64) (int, error) {
	return d.access(off, len(b), func(n int) { copy(d.data[off:], b[:n]) })
}

// bytes is a copy of what the disk holds.
func (d *disk) bytes() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]byte(nil), d.data...)
}
