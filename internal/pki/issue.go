package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/mtls"
)

// Request is what a certificate is to be.
type Request struct {
	Name  string   // who it is for: its DNS name, and the name of its files
	Hosts []string // names and addresses that a daemon with it is reached by; none: it is a client's only
	Life  time.Duration
	Renew bool // take the place of the one that there is
}

// Issued is a certificate that was issued.
type Issued struct {
	Cert, Key string // files
	Until     time.Time
}

// nameForm is what a name may be: it is that of a file, too.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// Issue makes a certificate and its key. One with hosts proves a daemon, and a client as
// well: nodes copy from one another.
func (ca *CA) Issue(r Request) (Issued, error) {
	what := "issuing a certificate for " + r.Name
	if err := ca.checkName(r); err != nil {
		return Issued{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Issued{}, failed(what, err)
	}
	cert, err := sign(r.template(ca.cert.NotAfter), ca.cert, key.Public(), ca.key)
	if err != nil {
		return Issued{}, failed(what, err)
	}
	if err := ca.write(r.Name, key, cert); err != nil {
		return Issued{}, failed(what, err)
	}
	return Issued{ca.file(r.Name, extCert), ca.file(r.Name, extKey), cert.NotAfter}, nil
}

// checkName refuses what cannot be issued.
func (ca *CA) checkName(r Request) error {
	what := fmt.Sprintf("issuing a certificate for %q", r.Name)
	switch {
	case !nameForm.MatchString(r.Name):
		return fault.New(fault.Usage, what, errors.New("not a name that a certificate can have here"),
			"use letters, digits, '.', '_', '@' and '-', at most 64, and begin with a letter or a digit")
	case slices.Contains([]string{caName, mtls.Local, mtls.Anonymous}, r.Name):
		return fault.New(fault.Usage, what, errors.New("the name has a meaning of its own"), "choose another name")
	case r.Life <= 0:
		return fault.New(fault.Usage, what, errors.New("it would never be in force"), "give --days a number of 1 or more")
	}
	for _, h := range r.Hosts {
		if h == "" || len(h) > 253 {
			return fault.New(fault.Usage, what, fmt.Errorf("%q is not the name of a host", h), "give --host a name or an address")
		}
	}
	if _, err := os.Lstat(ca.file(r.Name, extCert)); err == nil && !r.Renew {
		return fault.New(fault.Usage, what, fmt.Errorf("there is one: %s exists", ca.file(r.Name, extCert)),
			"give --renew to put another one in its place")
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failed(what, err)
	}
	return nil
}

// template is the certificate before it is signed. It does not outlast its CA.
func (r Request) template(until time.Time) *x509.Certificate {
	now := time.Now()
	if end := now.Add(r.Life); end.Before(until) {
		until = end
	}
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: r.Name},
		NotBefore: now.Add(-early), NotAfter: until,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	if strings.Contains(r.Name, "@") {
		t.EmailAddresses = []string{r.Name}
	} else {
		t.DNSNames = []string{r.Name}
	}
	if len(r.Hosts) > 0 {
		t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, h := range r.Hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else if !slices.Contains(t.DNSNames, h) {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	return t
}
