package tcp

import (
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
		accepted: make(chan net.Conn), closed: make(chan struct{}),
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
		l.fabric.mu.Lock()
		defer l.fabric.mu.Unlock()
		l.fabric.crowd.dismiss(l)
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
	g := l.admit(c)
	if g == nil {
		_ = c.Close()
		return
	}
	known, err := l.fabric.recognise(c)
	if known == nil { // it is for data, or nothing
		l.fabric.leave(g)
	}
	switch {
	case err != nil:
		l.fabric.log.Debug("connection refused", slog.String("peer", c.RemoteAddr().String()), slog.Any("error", err))
		_ = c.Close()
	case known != nil:
		l.fabric.met(g)
		known.closed = func() { l.fabric.leave(g) }
		select {
		case l.accepted <- known:
		case <-l.closed:
			_ = known.Close()
		}
	}
}

// admit counts a connection; nil if it is not let in.
func (l *listener) admit(c net.Conn) *guest {
	l.fabric.mu.Lock()
	defer l.fabric.mu.Unlock()
	select {
	case <-l.closed:
		return nil
	default:
	}
	crowd := &l.fabric.crowd
	g := crowd.enter(l, c)
	if now := time.Now(); g == nil && now.Sub(crowd.told) >= tellAgain {
		crowd.told = now
		l.fabric.log.Warn("connections are turned away: there are as many as the daemon allows", slog.String("peer", c.RemoteAddr().String()),
			slog.Int("open", crowd.all), slog.Int("from_there", crowd.from[origin(c.RemoteAddr())]))
	}
	return g
}

// met notes that it is known what a connection is for.
func (f *Fabric) met(g *guest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.crowd.met(g)
}

// leave notes that a connection is over, or counts no more.
func (f *Fabric) leave(g *guest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.crowd.leave(g)
}

// recognise reads how a connection begins. One for data goes to its driver; any other is
// returned, as if nothing had been read.
func (f *Fabric) recognise(c net.Conn) (*begun, error) {
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
	first  []byte
	closed func() // is told so
}

// Close closes the connection.
func (b *begun) Close() error {
	err := b.Conn.Close()
	b.closed()
	return err
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
