package server

import (
	"fmt"
	"path"
	"strings"
	"sync"

	"golang.org/x/time/rate"

	"github.com/rdmacp/rdmacp/internal/mtls"
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
