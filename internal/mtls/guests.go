package mtls

import (
	"crypto/x509"
	"slices"
	"strings"
)

// Guests are clients that are let in though no CA vouches for them, each by a certificate
// that nobody else has the key to.
type Guests interface {
	// Certificates are those that count at this moment.
	Certificates() []*x509.Certificate
	// Known reports whether c is, or was a moment ago, one of them.
	Known(c *x509.Certificate) bool
}

// Admit has the listeners let guests in, too. It is called ahead of Listen.
func (s *Store) Admit(g Guests) { s.guests = g }

// clients are the certificates that vouch for clients: those of the CAs, and each guest's
// for itself, since it is no CA's.
func (s *Store) clients(m *material) *x509.CertPool {
	if s.guests == nil {
		return m.roots
	}
	certs := s.guests.Certificates()
	if len(certs) == 0 {
		return m.roots
	}
	pool := m.roots.Clone()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool
}

// called are the names of a client that has proved to have the key to c. A guest is never
// one of those without a name, who may do what everybody may: whoever was forgotten since
// the handshake, or never was one, has a guest's name that nobody knows.
func (s *Store) called(c *x509.Certificate) []string {
	names := Names(c)
	switch {
	case s.guests == nil, len(names) > 0, !strings.HasPrefix(c.Subject.CommonName, guest):
		return names
	case s.guests.Known(c):
		return []string{c.Subject.CommonName}
	}
	return []string{guest}
}

// Anchors are the certificates by which a client can know this end: its own, and those of
// its CAs, which outlast it.
func (s *Store) Anchors() []*x509.Certificate {
	m := s.current()
	return append([]*x509.Certificate{m.cert.Leaf}, slices.Clone(m.cas)...)
}
