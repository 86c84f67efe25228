package tcp

import (
	"container/list"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// Listen returns a listener that accepts what lis does but for connections for data,
// which go to the drivers of the fabric. Closing it closes lis, and what has not said
// yet what it is for.
func (f *Fabric) Listen(lis net.Listener) net.Listener {
	l := &listener{
		Listener: lis, fabric: f,
		accepted: make(chan net.Conn), closed: make(chan struct{}), strangers: list.New(),
	}
	l.running.Go(l.run)
	return l
}

// listener tells connections apart by how they begin.
type listener struct {
	net.Listener
	fabric   *Fabric
	accepted chan net.Conn // not for data
	failed   error         // why there are no more; set before closed is closed
	closed   chan struct{}
	closing  sync.Once
	running  sync.WaitGroup

	mu        sync.Mutex
	strangers *list.List // of net.Conn, the oldest in front
}

// Accept returns the next connection that is not for data.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.accepted:
		return c, nil
	case <-l.closed:
		return nil, l.failed
	}
}

// Close closes the listener, and waits until nothing of it is left.
func (l *listener) Close() error {
	err := l.Listener.Close()
	l.end(net.ErrClosed)
	l.running.Wait()
	return err
}

// end accepts no more.
func (l *listener) end(why error) {
	l.closing.Do(func() {
		l.failed = why
		close(l.closed)
		l.mu.Lock()
		defer l.mu.Unlock()
		for e := l.strangers.Front(); e != nil; e = e.Next() {
			_ = e.Value.(net.Conn).Close()
		}
	})
}

// greet is meet; should that panic, it costs the one connection.
func (l *listener) greet(c net.Conn) {
	var err error
	defer func() {
		if err != nil {
			l.fabric.log.Error("a connection was not let in", slog.Any("error", err), slog.String("stack", fault.Stack(err)))
			_ = c.Close()
		}
	}()
	defer fault.Caught(&err, "meeting a connection")
	l.meet(c)
}

// run accepts connections until that fails. What is temporary is waited for, as gRPC
// does: the descriptors of the process may be used up.
func (l *listener) run() {
	for {
		c, err := l.Listener.Accept()
		if e, ok := err.(interface{ Temporary() bool }); ok && e.Temporary() {
			select {
			case <-time.After(10 * time.Millisecond):
				continue
			case <-l.closed:
			}
		}
		if err != nil {
			l.end(err)
			return
		}
		l.running.Go(func() { l.greet(c) })
	}
}

// meet finds out what a connection is for.
func (l *listener) meet(c net.Conn) {
	leave, ok := l.admit(c)
	if !ok {
		_ = c.Close()
		return
	}
	known, err := l.fabric.recognise(c)
	leave()
	switch {
	case err != nil:
		l.fabric.log.Debug("connection refused", slog.String("peer", c.RemoteAddr().String()), slog.Any("error", err))
		_ = c.Close()
	case known != nil:
		select {
		case l.accepted <- known:
		case <-l.closed:
			_ = c.Close()
		}
	}
}

// admit counts a connection among those that have not said what they are for, until
// leave. Where they are too many, the oldest goes: whoever means it says so at once.
func (l *listener) admit(c net.Conn) (leave func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.closed:
		return nil, false
	default:
	}
	e := l.strangers.PushBack(c)
	if l.strangers.Len() > maxStrangers {
		_ = l.strangers.Remove(l.strangers.Front()).(net.Conn).Close()
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.strangers.Remove(e)
	}, true
}

// recognise reads how a connection begins. One for data goes to its driver; any other is
// returned, as if nothing had been read.
func (f *Fabric) recognise(c net.Conn) (net.Conn, error) {
	if err := c.SetReadDeadline(time.Now().Add(f.identify)); err != nil {
		return nil, err
	}
	var b [prefaceSize]byte
	if _, err := io.ReadFull(c, b[:1]); err != nil {
		return nil, err
	}
	if b[0] == magic[0] {
		if _, err := io.ReadFull(c, b[1:]); err != nil {
			return nil, err
		}
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	if b[0] != magic[0] {
		return &begun{Conn: c, first: b[:1]}, nil
	}
	p, err := parsePreface(b)
	if err != nil {
		return nil, err
	}
	return nil, f.claim(p, c)
}

// begun is a connection of which the first bytes were read already.
type begun struct {
	net.Conn
	first []byte
}

// NetConn is the connection itself.
func (b *begun) NetConn() net.Conn { return b.Conn }

// Read reads them first. Like any net.Conn's, one goroutine's reads at a time make sense.
func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) == 0 || len(p) == 0 {
		return b.Conn.Read(p)
	}
	n := copy(p, b.first)
	b.first = b.first[n:]
	return n, nil
}
