package admin

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// preface is how a connection by HTTP/2, and so by gRPC, begins, as far as it takes to tell it from
// one by HTTP/1: RFC 9113, section 3.4.
const preface = "PRI"

// acceptAgain is the time until the next try where no connection can be had, for want of descriptors, say.
const acceptAgain = 100 * time.Millisecond

// split divides a listener's connections: those by gRPC, and the others.
type split struct {
	net.Listener
	plain, rpc lane
	ended      chan struct{} // closed once there are no more connections
}

// lane is one of both parts.
type lane struct {
	of    *split
	conns chan net.Conn
}

func newSplit(lis net.Listener) *split {
	s := &split{Listener: lis, ended: make(chan struct{})}
	s.plain, s.rpc = lane{s, make(chan net.Conn)}, lane{s, make(chan net.Conn)}
	go s.run()
	return s
}

// run hands connections on until the listener is closed.
func (s *split) run() {
	defer close(s.ended)
	for {
		c, err := s.Accept()
		switch {
		case err == nil:
			go s.route(c)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			time.Sleep(acceptAgain)
		}
	}
}

// route looks how a connection begins. Who says nothing is not waited for any longer than for a header.
func (s *split) route(c net.Conn) {
	b := make([]byte, len(preface))
	_ = c.SetReadDeadline(time.Now().Add(headerLimit))
	if _, err := io.ReadFull(c, b); err != nil {
		_ = c.Close()
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	to := s.plain
	if string(b) == preface {
		to = s.rpc
	}
	select {
	case to.conns <- &begun{Conn: c, first: b}:
	case <-s.ended:
		_ = c.Close()
	}
}

// Accept implements net.Listener.
func (l lane) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.of.ended:
		return nil, net.ErrClosed
	}
}

// Close closes the listener that is split.
func (l lane) Close() error { return l.of.Close() }

// Addr implements net.Listener.
func (l lane) Addr() net.Addr { return l.of.Addr() }

// begun is a connection of which the first bytes were read already.
type begun struct {
	net.Conn
	mu    sync.Mutex // guards first
	first []byte
}

// Read reads those ahead of the others.
func (b *begun) Read(p []byte) (int, error) {
	b.mu.Lock()
	if n := copy(p, b.first); n > 0 {
		b.first = b.first[n:]
		b.mu.Unlock()
		return n, nil
	}
	b.mu.Unlock()
	return b.Conn.Read(p)
}
