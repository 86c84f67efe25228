package mtls

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
)

// revoked are the certificates that CAs have taken back: RFC 5280, section 5.
type revoked map[serial]struct{}

// serial names a certificate.
type serial struct{ issuer, number string }

var errRevoked = errors.New("the certificate was revoked")

// readRevoked reads lists of revoked certificates. Each has to be signed by one of the
// CAs. One that is out of date counts all the same: what it names stays revoked.
func readRevoked(name string, cas []*x509.Certificate) (revoked, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the list of revoked certificates: %w", err)
	}
	all, lists := revoked{}, 0
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "X509 CRL" {
			continue
		}
		list, err := x509.ParseRevocationList(block.Bytes)
		if err == nil {
			err = signed(list, cas)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the list of revoked certificates %s: %w", name, err)
		}
		lists++
		for _, e := range list.RevokedCertificateEntries {
			all[serial{string(list.RawIssuer), e.SerialNumber.String()}] = struct{}{}
		}
	}
	if lists == 0 {
		return nil, errors.New("reading the list of revoked certificates " + name + ": there is none in it")
	}
	return all, nil
}

// signed checks who a list is of.
func signed(list *x509.RevocationList, cas []*x509.Certificate) error {
	for _, ca := range cas {
		if bytes.Equal(ca.RawSubject, list.RawIssuer) && list.CheckSignatureFrom(ca) == nil {
			return nil
		}
	}
	return fmt.Errorf("that of %s is signed by none of the CAs", list.Issuer)
}

// check refuses a connection whose peer has no chain of certificates that are all in
// force.
func (r revoked) check(cs tls.ConnectionState) error {
	if len(r) == 0 {
		return nil
	}
	for _, chain := range cs.VerifiedChains {
		if !r.in(chain) {
			return nil
		}
	}
	return errRevoked
}

// in reports whether a certificate of a chain was revoked.
func (r revoked) in(chain []*x509.Certificate) bool {
	for _, c := range chain {
		if _, ok := r[serial{string(c.RawIssuer), c.SerialNumber.String()}]; ok {
			return true
		}
	}
	return false
}
