package mtls

import (
	"crypto/x509"
	"path"
	"slices"
	"strings"
)

// Names of peers without a certificate.
const (
	Local     = "local"     // who comes by a unix socket: its mode says who can
	Anonymous = "anonymous" // who comes without TLS
)

// guest is how the names of guests begin, which a CA cannot give.
const guest = "token:"

// Reserved reports whether a name has a meaning of its own, and is nobody's in a
// certificate of a CA.
func Reserved(name string) bool {
	return name == Local || name == Anonymous || strings.HasPrefix(name, guest)
}

// Names are who a certificate is for: its URIs (SPIFFE ids among them), DNS names and
// email addresses. Its common name counts only where there is none of these.
func Names(c *x509.Certificate) []string {
	var names []string
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	names = append(names, c.DNSNames...)
	names = append(names, c.EmailAddresses...)
	if len(names) == 0 && c.Subject.CommonName != "" {
		names = append(names, c.Subject.CommonName)
	}
	return slices.DeleteFunc(names, Reserved)
}

// Match reports whether one of the names fits one of the patterns, which are those of
// path.Match: * stands for anything but a slash.
func Match(patterns, names []string) bool {
	for _, p := range patterns {
		for _, n := range names {
			if ok, err := path.Match(p, n); ok && err == nil {
				return true
			}
		}
	}
	return false
}
