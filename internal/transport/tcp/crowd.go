package tcp

import (
	"container/list"
	"net"
	"net/netip"
	"time"
)

// crowd counts the connections of a fabric's listeners, but for those for data: these
// are for a session that was let in, which has so many and no more. Whoever has many
// connections is the first to lose some, so that others find room.
type crowd struct {
	most      int // in all
	each      int // from one address
	all       int
	from      map[netip.Prefix]int
	strangers *list.List // of *guest: who has not said yet what the connection is for; the oldest in front
	told      time.Time  // when it was logged that somebody was turned away
}

// guest is a connection of a crowd.
type guest struct {
	net.Conn
	listener *listener
	from     netip.Prefix
	place    *list.Element // among the strangers; nil: it is none
	gone     bool
}

func newCrowd(most int) crowd {
	return crowd{most: most, each: max(most/crowdShares, 1), from: map[netip.Prefix]int{}, strangers: list.New()}
}

// enter takes a connection in as a stranger; nil if there is no room for it.
func (c *crowd) enter(l *listener, conn net.Conn) *guest {
	g := &guest{Conn: conn, listener: l, from: origin(conn.RemoteAddr())}
	if c.strangers.Len() >= maxStrangers {
		c.evict(c.busiest())
	}
	if g.from.IsValid() && c.from[g.from] >= c.each && !c.evict(g.from) {
		return nil
	}
	if c.all >= c.most && !c.evict(c.busiest()) {
		return nil
	}
	c.all++
	c.from[g.from]++
	g.place = c.strangers.PushBack(g)
	return g
}

// met takes a connection from the strangers.
func (c *crowd) met(g *guest) {
	if g.place != nil {
		c.strangers.Remove(g.place)
		g.place = nil
	}
}

// leave takes a connection out.
func (c *crowd) leave(g *guest) {
	c.met(g)
	if g.gone {
		return
	}
	g.gone = true
	c.all--
	if c.from[g.from]--; c.from[g.from] == 0 {
		delete(c.from, g.from)
	}
}

// evict closes the oldest stranger from an address, and reports whether there was one.
// Whoever means it says at once what the connection is for.
func (c *crowd) evict(from netip.Prefix) bool {
	for e := c.strangers.Front(); e != nil; e = e.Next() {
		if g := e.Value.(*guest); g.from == from {
			_ = g.Close()
			c.leave(g)
			return true
		}
	}
	return false
}

// busiest is the address that has most of the strangers.
func (c *crowd) busiest() (most netip.Prefix) {
	n := map[netip.Prefix]int{}
	for e := c.strangers.Front(); e != nil; e = e.Next() {
		from := e.Value.(*guest).from
		if n[from]++; n[from] > n[most] {
			most = from
		}
	}
	return most
}

// dismiss closes the strangers that have come by a listener.
func (c *crowd) dismiss(l *listener) {
	for e := c.strangers.Front(); e != nil; e = e.Next() {
		if g := e.Value.(*guest); g.listener == l {
			_ = g.Close()
		}
	}
}

// subnet is as much of an IPv6 address as tells hosts' networks apart: the rest of it a host
// may choose as it likes.
const subnet = 64

// origin is what counts as one address; not a valid one for unix sockets, whose modes say
// who may come.
func origin(a net.Addr) netip.Prefix {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := t.AddrPort().Addr().Unmap()
	bits := ip.BitLen()
	if ip.Is6() && !ip.IsLinkLocalUnicast() {
		bits = subnet
	}
	p, _ := ip.WithZone("").Prefix(bits)
	return p
}
