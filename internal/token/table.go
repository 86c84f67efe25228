package token

import (
	"cmp"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io"
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
	Path   string // of a directory in it, or of a file to be read; "." is the export
	Write  bool   // to be written to, and not to be read
}

// Grant is a token as people see it.
type Grant struct {
	ID string
	Scope
	Expires time.Time
	Left    int // copies
}

// grant is a token as its daemon knows it. It owns the place that it is for, which so
// stays what it was when the token was given, whatever is renamed or linked since.
type grant[P io.Closer] struct {
	Grant
	cert  *x509.Certificate
	place P
	used  bool // by a copy that runs
}

// Table has the tokens that a daemon has given, each for a place P, until they have
// expired, are used up or were revoked. It is lost with the daemon. It is safe for
// concurrent use.
type Table[P io.Closer] struct {
	mu     sync.Mutex
	grants map[string]*grant[P] // by the names of clients
}

// New returns an empty Table.
func New[P io.Closer]() *Table[P] { return &Table[P]{grants: map[string]*grant[P]{}} }

// What can be the matter with a token.
var (
	ErrTooMany = errors.New("there are as many tokens as this daemon keeps")
	ErrOver    = errors.New("the token has expired, is used up, or was revoked")
	ErrInUse   = errors.New("another copy is using the token")
)

// Issue makes a token for a number of copies, and owns the place from then on, unless it
// fails. The daemon's certificates are those that its holder shall know the daemon by. Text
// is the file for the holder.
func (t *Table[P]) Issue(s Scope, place P, until time.Time, copies int, daemon []*x509.Certificate) (text []byte, g Grant, err error) {
	g = Grant{ID: rand.Text()[:10], Scope: s, Expires: until, Left: copies}
	text, cert, err := makeFile(until, daemon)
	if err != nil {
		return nil, g, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clean()
	if len(t.grants) >= maxTokens {
		return nil, g, ErrTooMany
	}
	t.grants[Prefix+g.ID] = &grant[P]{Grant: g, cert: cert, place: place}
	return text, g, nil
}

// clean forgets what nobody can use any more. The caller holds mu.
func (t *Table[P]) clean() {
	now := time.Now()
	maps.DeleteFunc(t.grants, func(_ string, g *grant[P]) bool {
		over := !g.used && (g.Left == 0 || !now.Before(g.Expires))
		if over {
			_ = g.place.Close() // nothing was written to it
		}
		return over
	})
}

// List returns the tokens that can be used, those that expire first ahead.
func (t *Table[P]) List() []Grant {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clean()
	list := make([]Grant, 0, len(t.grants))
	for _, g := range t.grants {
		list = append(list, g.Grant)
	}
	slices.SortFunc(list, func(a, b Grant) int { return cmp.Or(a.Expires.Compare(b.Expires), cmp.Compare(a.ID, b.ID)) })
	return list
}

// Revoke forgets a token, and reports whether there was one of that ID. A copy that runs
// goes on.
func (t *Table[P]) Revoke(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, ok := t.grants[Prefix+id]
	if !ok {
		return false
	}
	g.Left = 0
	if g.used {
		delete(t.grants, Prefix+id) // the copy lets go of the place
	}
	t.clean()
	return true
}

// Certificates are those of the tokens that can be used.
func (t *Table[P]) Certificates() []*x509.Certificate {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clean()
	certs := make([]*x509.Certificate, 0, len(t.grants))
	for _, g := range t.grants {
		certs = append(certs, g.cert)
	}
	return certs
}

// Name is what the client is called that has the key to a certificate; empty if that is
// no token's.
func (t *Table[P]) Name(c *x509.Certificate) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, g := range t.grants {
		if g.cert.Equal(c) {
			return name
		}
	}
	return ""
}

// Use is a copy by a token.
type Use[P io.Closer] struct {
	Place P // to be used until End
	Scope
	End func(counts bool) // says whether the copy counts, and may be called again
}

// Begin begins a copy by the token of that name. One copy at a time can use a token, so
// that no more than are left can end well.
func (t *Table[P]) Begin(name string) (u Use[P], err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clean()
	g, ok := t.grants[name]
	switch {
	case !ok:
		return u, ErrOver
	case g.used:
		return u, ErrInUse
	}
	g.used = true
	var once sync.Once
	return Use[P]{g.place, g.Scope, func(counts bool) { once.Do(func() { t.end(name, g, counts) }) }}, nil
}

// end ends a copy.
func (t *Table[P]) end(name string, g *grant[P], counts bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g.used = false
	if counts {
		g.Left = max(0, g.Left-1)
	}
	if t.grants[name] != g {
		_ = g.place.Close() // it was revoked meanwhile
	}
}

// Close forgets all tokens. No copy runs.
func (t *Table[P]) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, g := range t.grants {
		g.Left, g.used = 0, false
	}
	t.clean()
	return nil
}
