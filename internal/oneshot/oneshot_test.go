package oneshot

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
)

// pair is what the two ends have once they have spoken over the pipe.
func pair(t *testing.T, own tls.Certificate, connection string) (*Remote, net.Listener) {
	t.Helper()
	var to, from bytes.Buffer
	from.WriteString("Welcome to the cluster!\n")
	must(t, write(&to, "", hello{Format: format, Version: "v1", Host: "127.0.0.1", Certificate: own.Certificate[0]}))
	g, err := Greet(&to, connection, nil)
	must(t, err)
	lis, err := g.Listen(t.Context())
	must(t, err)
	t.Cleanup(func() { _ = lis.Close() })
	must(t, g.Answer(&from, lis.Addr(), "/home/me", "v2"))
	var s said
	must(t, read(&from, mark, &s.answer))
	r := &Remote{}
	must(t, r.accept(s, own, Command{Host: "127.0.0.1", Program: "rdmad"}))
	return r, lis
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func identity(t *testing.T) tls.Certificate {
	t.Helper()
	c, err := newIdentity("me", "127.0.0.1")
	must(t, err)
	return c
}

// dial says hello over TLS to who listens at the address, and returns what comes back.
func dial(t *testing.T, address string, s *mtls.Store) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	must(t, err)
	c, err := s.Handshake(ctx, raw, "127.0.0.1")
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	_, _ = io.WriteString(c, "hello")
	b, err := io.ReadAll(c)
	return string(b), err
}

// Neither end talks to one whose key it was not told through the pipe, though the
// certificates are no secret.
func TestNobodyElse(t *testing.T) {
	t.Parallel()
	own := identity(t)
	r, lis := pair(t, own, "127.0.0.1 50000 127.0.0.1 22")
	go func() {
		for {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			go func() {
				b := make([]byte, 5)
				if _, err := io.ReadFull(c, b); err == nil {
					_, _ = io.WriteString(c, "you said "+string(b))
				}
				_ = c.Close()
			}()
		}
	}()
	if got, err := dial(t, r.Address, r.TLS); got != "you said hello" || err != nil {
		t.Errorf("the two: %q, %v", got, err)
	}
	if r.Home != "/home/me" || !strings.HasPrefix(r.Address, "127.0.0.1:") {
		t.Errorf("home %q, address %q", r.Home, r.Address)
	}

	other, _ := pair(t, own, "")
	if got, err := dial(t, r.Address, other.TLS); err == nil {
		t.Errorf("a daemon of another key was believed, and said %q", got)
	}
	// A stranger knows the daemon's certificate, since it is no secret.
	stranger, err := x509.ParseCertificate(serverOf(t, r.Address))
	must(t, err)
	if got, err := dial(t, r.Address, mtls.Pinned(identity(t), nil, stranger)); err == nil {
		t.Errorf("a stranger got in, and was told %q", got)
	}
}

// serverOf is the certificate of who listens at the address.
func serverOf(t *testing.T, address string) []byte {
	t.Helper()
	var der []byte
	d := tls.Dialer{Config: &tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // it is only looked at
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			der = raw[0]
			return errors.New("seen")
		},
	}}
	if c, err := d.DialContext(t.Context(), "tcp", address); err == nil {
		_ = c.Close()
	}
	return der
}

// Where sshd says nothing, every address of the host is listened on, and it is reached by
// the name that its user calls it by.
func TestWithoutConnection(t *testing.T) {
	t.Parallel()
	for _, connection := range []string{"", "a b c d", "127.0.0.1 1 2"} {
		r, lis := pair(t, identity(t), connection)
		if _, port, _ := net.SplitHostPort(lis.Addr().String()); r.Address != "127.0.0.1:"+port {
			t.Errorf("SSH_CONNECTION=%q: %s, listening on %v", connection, r.Address, lis.Addr())
		}
	}
}

// authority is the certificate of a CA.
func authority(t *testing.T) []byte {
	t.Helper()
	own := identity(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, IsCA: true, BasicConstraintsValid: true}
	private, _ := own.PrivateKey.(ed25519.PrivateKey)
	der, err := x509.CreateCertificate(nil, template, template, private.Public(), private)
	must(t, err)
	return der
}

func line(t *testing.T, m any) string {
	t.Helper()
	b, err := json.Marshal(m)
	must(t, err)
	return mark + string(b)
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	good := answer{Format: format, Port: 1, Home: "/", Certificate: identity(t).Certificate[0]}
	with := func(change func(*answer)) string {
		a := good
		change(&a)
		return "echo '" + line(t, a) + "'; cat >/dev/null"
	}
	for name, c := range map[string]struct {
		script string
		code   fault.Code
		words  string
	}{
		"not found":     {"exit 127", fault.Unreachable, "--rdmad-path"},
		"not run":       {"exit 126", fault.Unreachable, "cannot be run"},
		"no ssh":        {"exit 255", fault.Unreachable, "did not log in there"},
		"exits":         {"echo hello; exit 1", fault.Unreachable, "exit code 1"},
		"killed":        {"kill -9 $$", fault.Unreachable, "was killed"},
		"ends well":     {"exit 0", fault.Unreachable, "exit code 0"},
		"another form":  {with(func(a *answer) { a.Format = 7 }), fault.Version, "same release"},
		"no JSON":       {"echo '" + mark + "what'; cat >/dev/null", fault.Version, "what"},
		"a flood":       {"yes | head -c 100000; cat >/dev/null", fault.Version, "64 KiB"},
		"no key":        {with(func(a *answer) { a.Certificate = []byte("x") }), fault.Protocol, "certificate"},
		"a CA":          {with(func(a *answer) { a.Certificate = authority(t) }), fault.Protocol, "is a CA's"},
		"no port":       {with(func(a *answer) { a.Port = 0 }), fault.Protocol, "no port"},
		"no home":       {with(func(a *answer) { a.Home = "here" }), fault.Protocol, "home"},
		"no such shell": {"", fault.Unreachable, "--rsh"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shell := []string{"sh", "-c", c.script}
			if c.script == "" {
				shell = []string{"/none/of/it"}
			}
			_, err := Start(t.Context(), Command{Shell: shell, Login: "me@h", Host: "h", Program: "rdmad"})
			f, ok := fault.As(err)
			if !ok || f.Code != c.code || f.Host != "h" || !strings.Contains(f.Error()+f.Fix, c.words) {
				t.Errorf("%+v", err)
			}
		})
	}
}

// Who waits for a password that nobody types goes when its user wants it to.
func TestStartCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, Command{Shell: []string{"sh", "-c", "cat >/dev/null"}, Login: "h", Host: "h", Program: "rdmad"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("motd\n"+mark+`{"format":1,"port":7}`+"\n", mark)
	f.Add(`{"format":1}`+"\n", "")
	f.Fuzz(func(_ *testing.T, text, prefix string) {
		var a answer
		if read(strings.NewReader(text), prefix, &a) == nil {
			_, _ = certificate(a.Certificate)
		}
	})
}
