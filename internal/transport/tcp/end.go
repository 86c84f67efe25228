package tcp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// end is what the two ends of a connection have in common.
type end struct {
	counters
	latencies *transport.Latencies // of the fabric

	setup    transport.Setup
	slabs    slabs
	buffers  sync.Pool // of *[hashPiece]byte
	stall    time.Duration
	start    time.Time
	progress atomic.Int64 // when the last bytes moved, as time since start

	// users is held shared by every call that reads or writes a file, and exclusively by
	// Close, which waits for them.
	users  sync.RWMutex
	closed bool // guarded by users

	broken  chan struct{}  // closed once cause is set
	running sync.WaitGroup // goroutines

	mu    sync.Mutex // guards what follows, and the closing of broken
	cause error
	conns []net.Conn // open
}

func newEnd(f *Fabric, s transport.Setup) *end {
	return &end{
		latencies: &f.latencies, setup: s, stall: f.stall, slabs: slabs{size: s.ChunkSize},
		buffers: sync.Pool{New: func() any { return new([hashPiece]byte) }}, start: time.Now(), broken: make(chan struct{}),
	}
}

// lost wraps a cause that this end did not choose.
func lost(err error) error { return fmt.Errorf("%w: %w", transport.ErrLost, err) }

// fail breaks the connection. The first cause stays, unless this end closes it.
func (e *end) fail(cause error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	first := e.cause == nil
	if first || cause == transport.ErrClosed { //nolint:errorlint // given bare, by Close only
		e.cause = cause
	}
	if !first {
		return
	}
	close(e.broken)
	for _, c := range e.conns {
		_ = c.Close()
	}
}

// err is why the connection broke; nil while it lives.
func (e *end) err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cause
}

// add takes a connection over, which is closed when the end breaks, and serves it on
// goroutines of its own, until one of them fails. A connection that comes too late is
// closed at once.
func (e *end) add(c net.Conn, serve ...func() error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cause != nil {
		return errors.Join(e.cause, c.Close())
	}
	e.conns = append(e.conns, c)
	for _, f := range serve {
		e.running.Go(func() { e.fail(lost(e.lane(f))) })
	}
	return nil
}

// lane runs f until it fails; a panic is a failure.
func (e *end) lane(f func() error) (err error) {
	defer fault.Caught(&err, "moving data")
	return f()
}

// use lets the caller touch files until it calls done; Close waits for that.
func (e *end) use() (done func(), err error) {
	e.users.RLock()
	if e.closed {
		e.users.RUnlock()
		return nil, transport.ErrClosed
	}
	return e.users.RUnlock, nil
}

// shut breaks the connection and waits until nothing of it runs any more.
func (e *end) shut() {
	e.fail(transport.ErrClosed)
	e.running.Wait()
	e.users.Lock()
	defer e.users.Unlock()
	e.closed = true
}

// check refuses extents that no chunk holds.
func (e *end) check(ext transport.Extent) error {
	if ext.Len <= 0 || ext.Len > e.setup.ChunkSize || ext.Off < 0 {
		return fmt.Errorf("tcp: extent of %d bytes at %d: a chunk holds 1 to %d", ext.Len, ext.Off, e.setup.ChunkSize)
	}
	return nil
}

// moving notes that bytes have moved just now.
func (e *end) moving() { e.progress.Store(int64(time.Since(e.start))) }

// hear reads the next frame's header.
func (e *end) hear(c net.Conn) (header, error) {
	var b [headerSize]byte
	if _, err := io.ReadFull(c, b[:]); errors.Is(err, io.EOF) {
		return header{}, errors.New("the peer closed a connection for data")
	} else if err != nil {
		return header{}, err
	}
	e.calls.Add(1)
	e.received.Add(1)
	e.moving()
	return parseHeader(b)
}

// receive fills b with a frame's payload.
func (e *end) receive(c net.Conn, b []byte) error {
	for len(b) > 0 {
		n, err := c.Read(b)
		e.calls.Add(1)
		e.socket.Add(uint64(n))
		e.moving()
		if b = b[n:]; err != nil && len(b) > 0 {
			return err
		}
	}
	return nil
}

// slabs are buffers of one chunk each. The one that was used last is used next: it is
// the one that the CPU's caches hold.
type slabs struct {
	size int
	mu   sync.Mutex
	free [][]byte
}

func (s *slabs) get() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free) == 0 {
		return make([]byte, s.size)
	}
	b := s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	return b
}

// put gives a buffer back; nil is none.
func (s *slabs) put(b []byte) {
	if b == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, b[:s.size])
}
