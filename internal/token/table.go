package token

import (
	"cmp"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// maxTokens is how many tokens a daemon knows at once: each handshake looks at them all.
const maxTokens = 256

// Scope is what a token is good for.
type Scope struct {
	Export string
	Path   string // of a directory or file beneath it; "." is the export
	Write  bool   // to be written to, and not to be read
}

// Grant is a token as its daemon knows it.
type Grant struct {
	ID string
	Scope
	Expires time.Time
	Left    int // copies

	cert *x509.Certificate
	used bool // by a copy that runs
}

// Table has the tokens that a daemon has given, until they have expired, are used up or
// were revoked. It is lost with the daemon. It is safe for concurrent use.
type Table struct {
	mu     sync.Mutex
	grants map[string]*Grant // by the names of clients
}

// New returns an empty Table.
func New() *Table { return &Table{grants: map[string]*Grant{}} }

// What can be the matter with a token.
var (
	ErrTooMany = errors.New("there are as many tokens as this daemon keeps")
	ErrOver    = errors.New("the token has expired, is used up, or was revoked")
	ErrInUse   = errors.New("another copy is using the token")
)

// Issue makes a token for a number of copies. The daemon's certificates are those that its
// holder shall know the daemon by. Text is the file for the holder.
func (t *Table) Issue(s Scope, until time.Time, copies int, daemon []*x509.Certificate) (text []byte, g Grant, err error) {
	g = Grant{ID: rand.Text()[:10], Scope: s, Expires: until, Left: copies}
	if text, g.cert, err = makeFile(g.ID, until, daemon); err != nil {
		return nil, g, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clean()
	if len(t.grants) >= maxTokens {
		return nil, g, ErrTooMany
	}
	kept := g
	t.grants[prefix+g.ID] = &kept
	return text, g, nil
}

// clean forgets what nobody can use any more. The caller holds mu.
func (t *Table) clean() {
	now := time.Now()
	maps.DeleteFunc(t.grants, func(_ string, g *Grant) bool { return !g.used && (g.Left == 0 || !now.Before(g.Expires)) })
}

// List returns the tokens that can be used, those that expire first ahead.
func (t *Table) List() []Grant {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clean()
	list := make([]Grant, 0, len(t.grants))
	for _, g := range t.grants {
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b Grant) int { return cmp.Or(a.Expires.Compare(b.Expires), cmp.Compare(a.ID, b.ID)) })
	return list
}

// Revoke forgets a token, and reports whether there was one of that ID. A copy that runs
// goes on.
func (t *Table) Revoke(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.grants[prefix+id]
	delete(t.grants, prefix+id)
	return ok
}

// Certificates are those of the tokens that can be used.
func (t *Table) Certificates() []*x509.Certificate {
	list := t.List()
	certs := make([]*x509.Certificate, 0, len(list))
	for _, g := range list {
		certs = append(certs, g.cert)
	}
	return certs
}

// Known reports whether a certificate is a token's.
func (t *Table) Known(c *x509.Certificate) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, ok := t.grants[c.Subject.CommonName]
	return ok && g.cert.Equal(c)
}

// Begin begins a copy by the token of that name: what it may reach. Whoever begins one
// calls end, and says whether it counts. One copy at a time can use a token, so that no
// more than are left can end well.
func (t *Table) Begin(name string) (s Scope, end func(counts bool), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clean()
	g, ok := t.grants[name]
	switch {
	case !ok:
		return s, nil, ErrOver
	case g.used:
		return s, nil, ErrInUse
	}
	g.used = true
	return g.Scope, func(counts bool) {
		t.mu.Lock()
		defer t.mu.Unlock()
		g.used = false
		if counts {
			g.Left--
		}
	}, nil
}
