package mtls

import (
	"cmp"
	"crypto/x509"
	"strings"
)

// Guests are clients that are let in though no CA vouches for them, each by a certificate
// that nobody else has the key to.
type Guests interface {
	// Certificates are those that count at this moment.
	Certificates() []*x509.Certificate
	// Name is what the guest with c is called, "token:" and more; empty if there is none.
	Name(c *x509.Certificate) string
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
	}
	return []string{cmp.Or(s.guests.Name(c), guest)}
}

// Anchors are the certificates by which a client can know this end: its own, and those of
// the CAs that vouch for it, which outlast it.
func (s *Store) Anchors() []*x509.Certificate {
	m := s.current()
	between := x509.NewCertPool()
	for _, der := range m.cert.Certificate[1:] {
		if c, err := x509.ParseCertificate(der); err == nil {
			between.AddCert(c)
		}
	}
	anchors := []*x509.Certificate{m.cert.Leaf}
	for _, ca := range m.cas {
		root := x509.NewCertPool()
		root.AddCert(ca)
		if _, err := m.cert.Leaf.Verify(x509.VerifyOptions{Roots: root, Intermediates: between}); err == nil {
			anchors = append(anchors, ca)
		}
	}
	return anchors
}
