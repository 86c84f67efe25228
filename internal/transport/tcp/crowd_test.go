package tcp

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

// called is a connection from an address.
type called struct {
	net.Conn
	from   string
	closed bool
}

// RemoteAddr is that address.
func (c *called) RemoteAddr() net.Addr {
	if c.from == "" {
		return &net.UnixAddr{Net: "unix"}
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(c.from), 1))
}

// Close notes it.
func (c *called) Close() error { c.closed = true; return nil }

// Who has many connections loses some of them, and nobody else does.
func TestCrowd(t *testing.T) {
	t.Parallel()
	c := newCrowd(8)
	enter := func(from string) (*called, *guest) {
		conn := &called{from: from}
		return conn, c.enter(nil, conn)
	}
	modest, _ := enter("192.0.2.1")
	first, _ := enter("192.0.2.2")
	_, second := enter("192.0.2.2")
	if _, third := enter("192.0.2.2"); third == nil || !first.closed || modest.closed || c.all != 3 {
		t.Errorf("a third stranger from one address: %v, the first one closed: %v; %+v", third, first.closed, c)
	}
	c.met(second)
	_, fourth := enter("192.0.2.2")
	if fourth == nil || c.from[fourth.from] != 2 {
		t.Fatalf("a stranger makes no room for another from there: %+v", c)
	}
	c.met(fourth)
	if _, g := enter("192.0.2.2"); g != nil {
		t.Error("an address has more than its part")
	}
	var local []*called
	for range 5 {
		conn, g := enter("") // unix sockets have no part of their own
		if g == nil {
			t.Fatal("there is no room by a unix socket")
		}
		local = append(local, conn)
	}
	if c.all != 8 || modest.closed {
		t.Errorf("%+v", c)
	}
	if _, g := enter("2001:db8::1"); g == nil || !local[0].closed || modest.closed || c.all != 8 {
		t.Errorf("it is not the one with most that makes room: %v; %+v", g, c)
	}
	c.leave(second)
	c.leave(second)
	if c.all != 7 || c.from[second.from] != 1 {
		t.Errorf("one has left: %+v", c)
	}
	for addr, want := range map[string]string{
		"::ffff:192.0.2.1": "192.0.2.1/32", "2001:db8::1:2:3:4": "2001:db8::/64", "fe80::1%eth0": "fe80::1/128",
	} {
		if got := origin((&called{from: addr}).RemoteAddr()); got.String() != want {
			t.Errorf("%s counts as %v, want %s", addr, got, want)
		}
	}
}

// A connection that is not for data counts until it is closed, at whichever end, and one for
// data does not: then there is room again.
func TestCrowdLeaves(t *testing.T) {
	t.Parallel()
	h := newHost(t, func(f *Fabric) { f.crowd = newCrowd(4 * crowdShares) })
	talk := func() (net.Conn, error) {
		c := h.raw(t, []byte("P"))
		_, err := io.ReadFull(c, make([]byte, 1))
		return c, err
	}
	_, token := h.awaited(t, 3)
	for i := range 3 {
		if _, err := io.ReadFull(h.raw(t, preface{token, uint16(i)}.bytes()), make([]byte, len(magic))); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		var all []net.Conn
		for range 4 {
			c, err := talk()
			must(t, err)
			all = append(all, c)
		}
		if _, err := talk(); err == nil {
			t.Error("there is room for a fifth")
		}
		for _, c := range all {
			must(t, c.Close())
		}
		for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			h.mu.Lock()
			n := h.crowd.all
			h.mu.Unlock()
			if n == 0 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%d are there still", n)
			}
		}
	}
}
