package mtls_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/mtls"
	"github.com/rdmacp/rdmacp/internal/pki"
)

const patience = 10 * time.Second

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// authority is a CA with a certificate for a daemon, "server", at 127.0.0.1.
type authority struct {
	*pki.CA
	dir string
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	dir := t.TempDir()
	ca, err := pki.Init(dir, "test")
	must(t, err)
	a := authority{ca, dir}
	a.issue(t, pki.Request{Name: "server", Hosts: []string{"127.0.0.1"}})
	return a
}

// issue issues a certificate, and returns the files of an end that has it.
func (a authority) issue(t *testing.T, r pki.Request) mtls.Files {
	t.Helper()
	if r.Life == 0 {
		r.Life = time.Hour
	}
	_, err := a.Issue(r)
	must(t, err)
	return a.files(r.Name)
}

func (a authority) files(name string) mtls.Files {
	return mtls.Files{
		Cert: filepath.Join(a.dir, name+".crt"), Key: filepath.Join(a.dir, name+".key"), CA: a.CertFile(), CRL: a.CRLFile(),
	}
}

// echo is a daemon that gives back what it gets, and its log.
type echo struct {
	store *mtls.Store

	lis net.Listener
	mu  sync.Mutex
	log bytes.Buffer
}

// Write is that of the log.
func (e *echo) Write(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.log.Write(b)
}

func (e *echo) logged() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.log.String()
}

// says fails the test unless the log says that, or soon will: a client hears that it was
// refused before the daemon has logged it.
func (e *echo) says(t *testing.T, what string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(e.logged(), what); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log says nothing of %q:\n%s", what, e.logged())
		}
	}
}

// counted fails the test unless the peers that were refused so far were refused for these reasons.
func (e *echo) counted(t *testing.T, want map[string]int64) {
	t.Helper()
	got := e.store.Refused()
	maps.DeleteFunc(got, func(_ string, n int64) bool { return n == 0 })
	if !maps.Equal(got, want) {
		t.Errorf("refused were %v, want %v", got, want)
	}
}

func newEcho(t *testing.T, f mtls.Files) *echo {
	t.Helper()
	e := &echo{}
	s, err := mtls.Open(f, slog.New(slog.NewTextHandler(e, nil)))
	must(t, err)
	e.store = s
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	e.lis = s.Listen(raw)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := e.lis.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer func() { _ = c.Close() }()
				_, _ = io.Copy(c, c)
			})
		}
	})
	t.Cleanup(func() {
		must(t, e.lis.Close())
		all.Wait()
	})
	return e
}

// talk says a word to a daemon, and hears it back, or returns why not.
func (e *echo) talk(t *testing.T, f mtls.Files, host string) error {
	t.Helper()
	s, err := mtls.Open(f, nil)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", e.lis.Addr().String())
	must(t, err)
	must(t, raw.SetDeadline(time.Now().Add(patience)))
	c, err := s.Handshake(ctx, raw, host)
	if err != nil {
		fix, why := mtls.Explain(err, host)
		if fix == "" {
			t.Errorf("no fix for %v", err)
		}
		return why
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write([]byte("word")); err != nil {
		return err
	}
	b := make([]byte, 4)
	if _, err := io.ReadFull(c, b); err != nil {
		if alert := c.Refusal(); alert != nil {
			_, why := s.ExplainRefusal(alert)
			return why
		}
		return err
	}
	if string(b) != "word" {
		t.Errorf("%q came back", b)
	}
	return nil
}

// refused fails the test unless err says that.
func refused(t *testing.T, name string, err error, says string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("%s: %v, want %q", name, err, says)
	}
}

// Who has a certificate of the CA is let in; whoever else is refused, and both ends say
// why.
func TestProof(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t), newAuthority(t)
	alice := ours.issue(t, pki.Request{Name: "alice"})
	eve := theirs.issue(t, pki.Request{Name: "eve"})
	e := newEcho(t, ours.files("server"))
	must(t, e.talk(t, alice, "127.0.0.1"))
	must(t, e.talk(t, alice, "server"))
	must(t, e.talk(t, ours.files("server"), "server")) // nodes copy, too

	refused(t, "another CA's daemon", e.talk(t, eve, "server"), "of a CA that this host does not trust")
	refused(t, "another name", e.talk(t, alice, "gpu7"), "for server, 127.0.0.1, not for gpu7")
	eve.CA, eve.CRL = alice.CA, ""
	e = newEcho(t, ours.files("server"))
	refused(t, "another CA's client", e.talk(t, eve, "server"), "refuses the certificate of this client: tls: unknown certificate authority")
	e.says(t, "certificate signed by unknown authority")
	e.counted(t, map[string]int64{"unknown_ca": 1})

	// A client's certificate makes no daemon.
	posing := newEcho(t, alice)
	refused(t, "a client as a daemon", posing.talk(t, ours.files("server"), "alice"), "incompatible key usage")
}

// What is revoked opens nothing more, at either end, without a restart.
func TestRevoked(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	alice, bob := ca.issue(t, pki.Request{Name: "alice"}), ca.issue(t, pki.Request{Name: "bob"})
	e := newEcho(t, ca.files("server"))
	must(t, e.talk(t, bob, "server"))
	must(t, ca.Revoke("bob"))
	refused(t, "bob", e.talk(t, bob, "server"), "refuses the certificate")
	must(t, e.talk(t, alice, "server"))
	e.says(t, "the certificate was revoked")
	must(t, ca.Revoke("server"))
	refused(t, "the daemon", e.talk(t, alice, "server"), "its certificate was revoked")
}

// A list that was not there at the start counts once it comes, and goes on doing so when it
// goes.
func TestRevokedLater(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	bob := ca.issue(t, pki.Request{Name: "bob"})
	bob.CRL = ""
	list := ca.CRLFile()
	must(t, os.Rename(list, list+".away"))
	_, err := mtls.Open(ca.files("server"), nil)
	refused(t, "a list that is missing", err, "list of revoked certificates")
	files := ca.files("server")
	files.CRLMayCome = true
	e := newEcho(t, files)
	must(t, e.talk(t, bob, "server"))
	must(t, os.Rename(list+".away", list))
	must(t, ca.Revoke("bob"))
	refused(t, "bob", e.talk(t, bob, "server"), "refuses the certificate")
	must(t, os.Remove(list))
	refused(t, "bob, without the list", e.talk(t, bob, "server"), "refuses the certificate")
	e.says(t, "the earlier ones stay in force")
}

// A certificate that is replaced counts at once; one that cannot be used leaves what was
// there in force.
func TestReload(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	alice := ca.issue(t, pki.Request{Name: "alice"})
	e := newEcho(t, ca.files("server"))
	ca.issue(t, pki.Request{Name: "server", Hosts: []string{"gpu7"}, Renew: true})
	must(t, e.talk(t, alice, "gpu7"))
	refused(t, "the name it had", e.talk(t, alice, "127.0.0.1"), "for server, gpu7, not for 127.0.0.1")
	must(t, os.WriteFile(ca.files("server").Cert, []byte("half a certificate"), 0o600))
	must(t, e.talk(t, alice, "gpu7"))
	e.says(t, "cannot be used")
}

// Who speaks no TLS, an old one, or brings no certificate is refused, and told so.
func TestOthers(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	e := newEcho(t, ca.files("server"))
	dial := func() net.Conn {
		c, err := net.Dial("tcp", e.lis.Addr().String())
		must(t, err)
		t.Cleanup(func() { _ = c.Close() })
		must(t, c.SetDeadline(time.Now().Add(patience)))
		return c
	}
	for range 2 {
		plain := dial()
		_, err := plain.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
		must(t, err)
		if b, err := io.ReadAll(plain); err != nil || !bytes.Equal(b, []byte{0x15, 3, 1, 0, 2, 2, 70}) {
			t.Errorf("without TLS: % x, %v", b, err)
		}
	}
	text, err := os.ReadFile(ca.CertFile())
	must(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	old := tls.Client(dial(), &tls.Config{RootCAs: roots, ServerName: "server", MaxVersion: tls.VersionTLS12})
	refused(t, "TLS 1.2", old.Handshake(), "protocol version")
	bare := tls.Client(dial(), &tls.Config{RootCAs: roots, ServerName: "server"})
	_, err = bare.Write([]byte("word"))
	must(t, err)
	_, err = io.ReadFull(bare, make([]byte, 4))
	refused(t, "no certificate", err, "certificate required")
	e.says(t, "client didn't provide a certificate")
	if n := strings.Count(e.logged(), "connection refused"); n != 3 {
		t.Errorf("%d lines of one peer in a minute, want three:\n%s", n, e.logged())
	}
	e.counted(t, map[string]int64{"no_tls": 2, "handshake": 1, "no_certificate": 1})
}

// Files that are wrong are said to be.
func TestFiles(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t), newAuthority(t)
	good := ca.issue(t, pki.Request{Name: "alice"})
	open := good.Key + ".open"
	b, err := os.ReadFile(good.Key)
	must(t, err)
	must(t, os.WriteFile(open, b, 0o600))
	must(t, os.Chmod(open, 0o644))
	for name, f := range map[string]mtls.Files{
		"there is no certificate in it":     {Cert: good.Cert, Key: good.Key, CA: good.Key},
		"no such file":                      {Cert: good.Cert, Key: good.Key, CA: "/none"},
		"does not match":                    {Cert: good.Cert, Key: ca.files("server").Key, CA: good.CA},
		"open to everybody":                 {Cert: good.Cert, Key: open, CA: good.CA},
		"signed by none of the CAs":         {Cert: good.Cert, Key: good.Key, CA: good.CA, CRL: other.CRLFile()},
		"there is none in it":               {Cert: good.Cert, Key: good.Key, CA: good.CA, CRL: good.CA},
		"reading the list of revoked certi": {Cert: good.Cert, Key: good.Key, CA: good.CA, CRL: "/none"},
	} {
		_, err := mtls.Open(f, nil)
		refused(t, name, err, name)
	}
}

// A certificate that is not in force proves nothing.
func TestNotInForce(t *testing.T) {
	t.Parallel()
	err := error(x509.CertificateInvalidError{Reason: x509.Expired, Detail: "it is 1999"})
	fix, why := mtls.Explain(errors.Join(err), "gpu7")
	if !strings.Contains(why.Error(), "not in force: it is 1999") || !strings.Contains(fix, "clocks") {
		t.Error(why, fix)
	}
	ca := newAuthority(t)
	now := time.Now()
	for name, tt := range map[string]struct {
		from, until time.Time
		says        string // to the client
		logs        string
	}{
		"late":  {now.Add(-time.Hour), now.Add(-time.Minute), "was in force until " + now.Add(-time.Minute).Format(time.DateOnly), "is after"},
		"early": {now.Add(time.Hour), now.Add(2 * time.Hour), "is in force from " + now.Add(time.Hour).Format(time.DateOnly), "is before"},
	} {
		files := ca.sign(t, name, tt.from, tt.until, true)
		e := newEcho(t, ca.files("server"))
		begun := time.Now()
		refused(t, name, e.talk(t, files, "server"), tt.says)
		e.says(t, tt.logs)
		e.counted(t, map[string]int64{"not_in_force": 1})
		refused(t, "a daemon that is "+name, newEcho(t, files).talk(t, ca.files("server"), name), "not in force: current time")
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("%s: after %v", name, took)
		}
	}
}

// A certificate that a client has signed itself proves nothing, whatever names are in it.
func TestSelfSigned(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	ca.issue(t, pki.Request{Name: "alice"})
	e := newEcho(t, ca.files("server"))
	begun := time.Now()
	refused(t, "signed by itself", e.talk(t, ca.sign(t, "alice", time.Now().Add(-time.Hour), time.Now().Add(time.Hour), false), "server"), "refuses the certificate")
	e.says(t, "certificate signed by unknown authority")
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("after %v", took)
	}
}

// sign makes a certificate that is in force in that time: the CA's, or its own.
func (a authority) sign(t *testing.T, name string, from, until time.Time, byCA bool) mtls.Files {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(from.UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: from, NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	parent, signer := c, any(key)
	if byCA {
		pair, err := tls.LoadX509KeyPair(a.CertFile(), strings.TrimSuffix(a.CertFile(), ".crt")+".key")
		must(t, err)
		parent, signer = pair.Leaf, pair.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	files := a.files(name)
	must(t, os.WriteFile(files.Cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(t, os.WriteFile(files.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return files
}
