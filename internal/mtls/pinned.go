package mtls

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
)

// Pinned returns the credentials of an end that speaks to one other and nobody else: the
// one that has the key to a certificate among peers, or, where that is a CA's, to one of
// that CA.
func Pinned(own tls.Certificate, log *slog.Logger, peers ...*x509.Certificate) *Store {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	m := &material{cert: own, roots: x509.NewCertPool()}
	for _, p := range peers {
		m.roots.AddCert(p)
	}
	return &Store{log: log, held: m} // there are no files that could change
}
