package mtls

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"
)

// Explain says in words why a host that was dialled is not proved to be the one that was
// meant, and what can be done.
func Explain(err error, host string) (fix string, why error) {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		plain   tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &name):
		names := append(Names(name.Certificate), addresses(name.Certificate)...)
		return "name the host as its certificate does, or issue it one with this name: rdmad pki issue NAME --host " + host,
			&MisnamedError{names, host}
	case errors.As(err, &unknown):
		return "see that --tls-ca names the CA of the daemon's certificate; if it does, somebody else answers there",
			errors.New("its certificate is of a CA that this host does not trust")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "renew the certificate, or set the clocks right", fmt.Errorf("its certificate is not in force: %s", invalid.Detail)
	case errors.Is(err, errRevoked):
		return "give the daemon another certificate", errors.New("its certificate was revoked")
	case errors.As(err, &plain), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "give rdmad there a certificate (--tls-cert, --tls-key, --tls-ca), or give --insecure here, in a network that you trust; if it has one, its log says why it hangs up",
			fmt.Errorf("what answers there does not speak TLS: %w", err)
	}
	return "see the daemon's log", err
}

// guest reports whether this end is known to one daemon only, by what that has given it.
func (s *Store) guest() bool {
	return strings.HasPrefix(s.current().cert.Leaf.Subject.CommonName, guest)
}

// Explain is the function Explain, for what this end has been given.
func (s *Store) Explain(err error, host string) (fix string, why error) {
	fix, why = Explain(err, host)
	if misnamed, ok := errors.AsType[*MisnamedError](why); ok && s.guest() {
		return "name the host by one of these", misnamed
	}
	if s.guest() {
		fix = "see that host and port are those of the daemon that gave the token; if they are, ask for another one"
	}
	return fix, why
}

// MisnamedError is that of a host whose certificate is for others.
type MisnamedError struct {
	Names []string // of the certificate
	Host  string   // that was meant
}

// Error names them all.
func (e *MisnamedError) Error() string {
	return fmt.Sprintf("its certificate is for %s, not for %s", strings.Join(e.Names, ", "), e.Host)
}

// addresses are the IP addresses that a certificate is for.
func addresses(c *x509.Certificate) []string {
	list := make([]string, 0, len(c.IPAddresses))
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	return list
}

// minute is a time as people tell it.
func minute(t time.Time) string { return t.Local().Format("2006-01-02 15:04 MST") }

// ExplainRefusal says in words why a host has refused this end's certificate, and what
// can be done.
func (s *Store) ExplainRefusal(alert error) (fix string, why error) {
	now, leaf := time.Now(), s.current().cert.Leaf
	switch over := now.After(leaf.NotAfter); {
	case over && s.guest():
		return "ask who gave it for another one", fmt.Errorf("the token has expired: it was good until %s (%w)", minute(leaf.NotAfter), alert)
	case over:
		return "have another one issued (rdmad pki issue NAME --renew), or set the clocks right",
			fmt.Errorf("the certificate of this client was in force until %s: %w", minute(leaf.NotAfter), alert)
	case now.Before(leaf.NotBefore):
		return "wait until then, or set the clocks right", fmt.Errorf("the certificate of this client is in force from %s on: %w", minute(leaf.NotBefore), alert)
	}
	if s.guest() {
		return "ask who gave it for another one",
			fmt.Errorf("it does not take the token, which has expired, is used up or was revoked, or rdmad was started again since (%w)", alert)
	}
	return "the daemon's log says why; see that the certificate (--tls-cert) is in force, and of a CA that the daemon trusts",
		fmt.Errorf("it refuses the certificate of this client: %w", alert)
}
