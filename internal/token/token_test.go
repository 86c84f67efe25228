package token_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/token"
)

var scope = token.Scope{Export: "data", Path: "in", Write: true}

// place is one that tells when it was let go of.
type place struct{ closed *atomic.Int32 }

// Close counts.
func (p place) Close() error {
	if p.closed != nil {
		p.closed.Add(1)
	}
	return nil
}

// give gives a token, and returns its client's name and certificate.
func give(t *testing.T, table *token.Table[place], life time.Duration, copies int) (name string, text []byte, c *x509.Certificate) {
	t.Helper()
	text, g, err := table.Issue(scope, place{}, time.Now().Add(life), copies, []*x509.Certificate{stranger(t)})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	c, err = x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return "token:" + g.ID, text, c
}

// stranger is a certificate of somebody's.
func stranger(t *testing.T) *x509.Certificate {
	t.Helper()
	text, _, err := token.New[place]().Issue(scope, place{}, time.Now().Add(time.Hour), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFile(t *testing.T) {
	t.Parallel()
	name, text, c := give(t, token.New[place](), time.Hour, 1)
	own, daemon, err := token.Parse(text)
	if err != nil || len(daemon) != 1 || len(own.Certificate) != 1 || !own.Leaf.Equal(c) || own.Leaf.IsCA {
		t.Fatalf("%+v, %d certificates of the daemon, %v", own.Leaf, len(daemon), err)
	}
	if !token.Is(name) || own.Leaf.Subject.CommonName != "token:" {
		t.Errorf("%q is the token's name, and %q its client's", own.Leaf.Subject.CommonName, name)
	}
	for _, bad := range []string{"", "word", string(text[:len(text)/3]), string(text[200:])} {
		if _, _, err := token.Parse([]byte(bad)); !errors.Is(err, token.ErrNone) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// A copy that does not count leaves the token as it was; one that does uses it up.
func TestCopies(t *testing.T) {
	t.Parallel()
	table := token.New[place]()
	name, _, c := give(t, table, time.Hour, 2)
	for _, counts := range []bool{false, true, false, true} {
		use, err := table.Begin(name)
		if err != nil || use.Scope != scope {
			t.Fatalf("%+v, %v", use.Scope, err)
		}
		if _, err := table.Begin(name); !errors.Is(err, token.ErrInUse) {
			t.Errorf("a second copy: %v", err)
		}
		use.End(counts)
	}
	if _, err := table.Begin(name); !errors.Is(err, token.ErrOver) {
		t.Errorf("one more: %v", err)
	}
	if len(table.Certificates()) != 0 || table.Name(c) != "" {
		t.Error("it is still let in")
	}
}

// A token that has expired or was revoked, or that is somebody else's, opens nothing.
func TestOver(t *testing.T) {
	t.Parallel()
	table := token.New[place]()
	late, _, expired := give(t, table, -time.Second, 1)
	if _, err := table.Begin(late); !errors.Is(err, token.ErrOver) || table.Name(expired) != "" {
		t.Errorf("one that has expired: %v", err)
	}
	name, _, c := give(t, table, time.Hour, 1)
	if table.Name(c) != name || table.Name(stranger(t)) != "" {
		t.Error("tokens are mistaken for one another")
	}
	use, err := table.Begin(name)
	if err != nil {
		t.Fatal(err)
	}
	if !table.Revoke(name[len("token:"):]) || table.Revoke("other") {
		t.Error("what was revoked is not what was there")
	}
	use.End(true)
	if _, err := table.Begin(name); !errors.Is(err, token.ErrOver) {
		t.Errorf("one that was revoked: %v", err)
	}
	if _, err := table.Begin("token:"); !errors.Is(err, token.ErrOver) {
		t.Errorf("none: %v", err)
	}
}

func TestTooMany(t *testing.T) {
	t.Parallel()
	table := token.New[place]()
	given := 0
	for ; given < 1000; given++ {
		if _, _, err := table.Issue(scope, place{}, time.Now().Add(time.Hour), 1, nil); errors.Is(err, token.ErrTooMany) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if given != 256 || len(table.List()) != given {
		t.Errorf("%d were given, %d are listed", given, len(table.List()))
	}
}

// However many try at once, no more copies end well than the token is for.
func TestCrowd(t *testing.T) {
	t.Parallel()
	table := token.New[place]()
	name, _, _ := give(t, table, time.Hour, 3)
	var ended atomic.Int32
	var crowd sync.WaitGroup
	for range 16 {
		crowd.Go(func() {
			for range 100 {
				if use, err := table.Begin(name); err == nil {
					ended.Add(1)
					use.End(true)
				}
			}
		})
	}
	crowd.Wait()
	if ended.Load() != 3 {
		t.Errorf("%d copies were made", ended.Load())
	}
}

// A place is let go of once, when the last who can use it has ended.
func TestPlaces(t *testing.T) {
	t.Parallel()
	closed := map[string]*atomic.Int32{"used up": {}, "revoked": {}, "revoked in use": {}, "expired": {}, "left": {}}
	table := token.New[place]()
	for name, n := range closed {
		life := time.Hour
		if name == "expired" {
			life = -time.Second
		}
		_, g, err := table.Issue(scope, place{n}, time.Now().Add(life), 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		switch name {
		case "used up", "revoked in use":
			use, err := table.Begin("token:" + g.ID)
			if err != nil {
				t.Fatal(err)
			}
			if name != "used up" {
				table.Revoke(g.ID)
			}
			if n.Load() != 0 {
				t.Errorf("%s: let go of under a copy", name)
			}
			use.End(true)
			use.End(true)
		case "revoked":
			table.Revoke(g.ID)
		}
	}
	if list := table.List(); len(list) != 1 || closed["left"].Load() != 0 {
		t.Errorf("%+v are left", list)
	}
	if err := errors.Join(table.Close(), table.Close()); err != nil {
		t.Error(err)
	}
	for name, n := range closed {
		if n.Load() != 1 {
			t.Errorf("%s: let go of %d times", name, n.Load())
		}
	}
}

// Whatever is in a file, it is a token that can be used, or none.
func FuzzParse(f *testing.F) {
	text, _, err := token.New[place]().Issue(scope, place{}, time.Now().Add(time.Hour), 1, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add(append(text, text...))
	f.Add(text[:len(text)/2])
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		own, daemon, err := token.Parse(text)
		if err != nil {
			if !errors.Is(err, token.ErrNone) {
				t.Error(err)
			}
			return
		}
		if own.Leaf == nil || own.PrivateKey == nil || len(own.Certificate) != 1 || len(daemon) == 0 {
			t.Errorf("accepted %+v", own)
		}
	})
}
