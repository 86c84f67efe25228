package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/rdmacp/rdmacp/internal/console"
	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// Limit is what clients get who go by certain names. Of several that are for one client,
// the smallest figure counts, and the first owner.
type Limit struct {
	Match []string    // patterns, as mtls.Match has them
	Rate  int64       // bytes a second, of all copies of one client together; 0: no limit
	Bytes int64       // that one copy may move; 0: no limit
	Owner *tree.Owner // who gets what these clients make; nil: the daemon's user, or whoever -a names
}

// Check says what is wrong with a limit.
func (l Limit) Check() error {
	for _, p := range l.Match {
		if _, err := path.Match(p, ""); err != nil {
			return fmt.Errorf("%q is no pattern", p)
		}
	}
	return nil
}

// limitOf is what holds for a client by these names.
func limitOf(limits []Limit, names []string) (l Limit) {
	for _, other := range limits {
		if !mtls.Match(other.Match, names) {
			continue
		}
		l.Rate, l.Bytes = smaller(l.Rate, other.Rate), smaller(l.Bytes, other.Bytes)
		if l.Owner == nil {
			l.Owner = other.Owner
		}
	}
	return l
}

// smaller is the smaller of two limits, of which zero is none.
func smaller(a, b int64) int64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// paces has the rates that clients share among their copies.
type paces struct {
	mu  sync.Mutex
	all map[pace]*paced
}

// pace is a client's rate.
type pace struct {
	client string
	rate   int64
}

type paced struct {
	*rate.Limiter
	users int
}

// join returns what a client's copy of that rate has to wait for, until it leaves; nil
// where there is no limit.
func (p *paces) join(names []string, perSecond int64, burst int) (l *rate.Limiter, leave func()) {
	if perSecond == 0 {
		return nil, func() {}
	}
	key := pace{strings.Join(names, " "), perSecond}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = map[pace]*paced{}
	}
	one := p.all[key]
	if one == nil {
		one = &paced{Limiter: rate.NewLimiter(rate.Limit(perSecond), burst)}
		p.all[key] = one
	}
	one.users++
	return one.Limiter, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(p.all, key)
		}
	}
}

// limited is a driver that moves no more than a client may have, nor faster. It waits
// ahead of a chunk, of which nothing is under way then.
type limited struct {
	transport.Driver
	pace   *rate.Limiter // nil: as fast as it goes
	most   int64         // bytes; 0: as many as there are
	moved  atomic.Int64
	waited *atomic.Int64 // nanoseconds, over all chunks
}

// limited puts the client's limits around the driver for one copy.
func (ss *session) limited(d transport.Driver, l Limit) (transport.Driver, func()) {
	pace, leave := ss.server.paces.join(ss.who, l.Rate, ss.server.config.ChunkSize)
	if pace == nil && l.Bytes == 0 {
		return d, leave
	}
	return &limited{Driver: d, pace: pace, most: l.Bytes, waited: &ss.waited}, leave
}

// Pull is the driver's, within the limits.
func (d *limited) Pull(ctx context.Context, t transport.Ticket, dst io.WriterAt, ext transport.Extent) (transport.Digest, error) {
	if err := d.admit(ctx, ext.Len); err != nil {
		return transport.Digest{}, err
	}
	return d.Driver.Pull(ctx, t, dst, ext)
}

// Push is the driver's, within the limits.
func (d *limited) Push(ctx context.Context, src io.ReaderAt, ext transport.Extent, t transport.Ticket) (transport.Digest, error) {
	if err := d.admit(ctx, ext.Len); err != nil {
		return transport.Digest{}, err
	}
	return d.Driver.Push(ctx, src, ext, t)
}

// admit waits until n bytes may be moved.
func (d *limited) admit(ctx context.Context, n int) error {
	if moved := d.moved.Add(int64(n)); d.most > 0 && moved > d.most {
		return fault.New(fault.Denied, "copying", fmt.Errorf("the daemon lets this client move %s in one copy", console.Bytes(d.most)),
			"copy less at once, or have max_bytes raised in the daemon's configuration")
	}
	if d.pace == nil {
		return nil
	}
	begun := time.Now()
	defer func() { d.waited.Add(int64(time.Since(begun))) }()
	for n > 0 {
		part := min(n, d.pace.Burst())
		if err := d.pace.WaitN(ctx, part); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fault.New(fault.Internal, "waiting for the limit of the rate", errors.Unwrap(err), "")
		}
		n -= part
	}
	return nil
}

// stats are the driver's, with what was waited for limits.
func (ss *session) stats() transport.Stats {
	s := ss.driver.Stats()
	s.Limit = time.Duration(ss.waited.Load())
	return s
}
