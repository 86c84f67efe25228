package rdma

import "github.com/rdmacp/rdmacp/internal/transport"

// placer finds where a slot's chunk lies in a page cache. Each slot has one, with what is
// called back bound once, so that a chunk needs no closures of its own.
type placer struct {
	c *conn

	bytes  int
	looks  bool // the digest is taken as soon as there is a place
	view   view
	digest transport.Digest

	take func(transport.Place) error // is taken
	read func(b []byte)              // is summed
}

func (p *placer) init(c *conn) { p.c, p.take, p.read = c, p.taken, p.summed }

// place finds a view of the page cache that file has for ext, and reports whether that was
// possible. The digest of a source is taken meanwhile.
func (p *placer) place(file any, ext transport.Extent, source bool) bool {
	paged, ok := file.(transport.Paged)
	if !ok || p.c.pages == nil || ext.Len < leastPaged && !p.c.setup.ZeroCopy {
		return false
	}
	p.bytes, p.looks = ext.Len, source
	return paged.Place(ext, p.take)
}

// taken opens a window at a place. It is hidden again where the digest fails.
func (p *placer) taken(at transport.Place) error {
	u, err := p.c.pages.take(at, p.bytes)
	if err != nil {
		return err
	}
	r := u.registered()
	p.view = view{addr: r.Addr(at.Off), lkey: r.LKey(), rkey: r.RKey(), use: u, off: at.Off}
	if !p.looks {
		return nil
	}
	if _, err := p.look(p.view, p.bytes); err != nil {
		p.c.hide(u)
		return err
	}
	return nil
}

// look returns the digest of n bytes in the page cache.
func (p *placer) look(v view, n int) (transport.Digest, error) {
	err := v.window.Read(v.off, n, p.read)
	if err == nil {
		p.c.counters.paged.Add(uint64(n))
	}
	return p.digest, err
}

func (p *placer) summed(b []byte) { p.digest = p.c.sum(b, len(b)) }
