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

// give gives a token, and returns its client's name and certificate.
func give(t *testing.T, table *token.Table, life time.Duration, copies int) (name string, text []byte, c *x509.Certificate) {
	t.Helper()
	text, g, err := table.Issue(scope, time.Now().Add(life), copies, []*x509.Certificate{stranger(t)})
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
	text, _, err := token.New().Issue(scope, time.Now().Add(time.Hour), 1, nil)
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
	name, text, c := give(t, token.New(), time.Hour, 1)
	own, daemon, err := token.Parse(text)
	if err != nil || len(daemon) != 1 || len(own.Certificate) != 1 || !own.Leaf.Equal(c) || own.Leaf.IsCA {
		t.Fatalf("%+v, %d certificates of the daemon, %v", own.Leaf, len(daemon), err)
	}
	if !token.Is(name) || own.Leaf.Subject.CommonName != name {
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
	table := token.New()
	name, _, c := give(t, table, time.Hour, 2)
	for _, counts := range []bool{false, true, false, true} {
		got, end, err := table.Begin(name)
		if err != nil || got != scope {
			t.Fatalf("%+v, %v", got, err)
		}
		if _, _, err := table.Begin(name); !errors.Is(err, token.ErrInUse) {
			t.Errorf("a second copy: %v", err)
		}
		end(counts)
	}
	if _, _, err := table.Begin(name); !errors.Is(err, token.ErrOver) {
		t.Errorf("one more: %v", err)
	}
	if len(table.Certificates()) != 0 || table.Known(c) {
		t.Error("it is still let in")
	}
}

// A token that has expired or was revoked, or that is somebody else's, opens nothing.
func TestOver(t *testing.T) {
	t.Parallel()
	table := token.New()
	late, _, expired := give(t, table, -time.Second, 1)
	if _, _, err := table.Begin(late); !errors.Is(err, token.ErrOver) || table.Known(expired) {
		t.Errorf("one that has expired: %v", err)
	}
	name, _, c := give(t, table, time.Hour, 1)
	if !table.Known(c) || table.Known(stranger(t)) {
		t.Error("tokens are mistaken for one another")
	}
	_, end, err := table.Begin(name)
	if err != nil {
		t.Fatal(err)
	}
	if !table.Revoke(name[len("token:"):]) || table.Revoke("other") {
		t.Error("what was revoked is not what was there")
	}
	end(true)
	if _, _, err := table.Begin(name); !errors.Is(err, token.ErrOver) {
		t.Errorf("one that was revoked: %v", err)
	}
	if _, _, err := table.Begin("token:"); !errors.Is(err, token.ErrOver) {
		t.Errorf("none: %v", err)
	}
}

func TestTooMany(t *testing.T) {
	t.Parallel()
	table := token.New()
	given := 0
	for ; given < 1000; given++ {
		if _, _, err := table.Issue(scope, time.Now().Add(time.Hour), 1, nil); errors.Is(err, token.ErrTooMany) {
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
	table := token.New()
	name, _, _ := give(t, table, time.Hour, 3)
	var ended atomic.Int32
	var crowd sync.WaitGroup
	for range 16 {
		crowd.Go(func() {
			for range 100 {
				if _, end, err := table.Begin(name); err == nil {
					ended.Add(1)
					end(true)
				}
			}
		})
	}
	crowd.Wait()
	if ended.Load() != 3 {
		t.Errorf("%d copies were made", ended.Load())
	}
}
