package mtls

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
)

// Pinned returns the credentials of an end that speaks to one other and nobody else: the
// one that has the key to the certificate peer, which is no CA's.
func Pinned(own tls.Certificate, peer *x509.Certificate, log *slog.Logger) *Store {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	m := &material{cert: own, roots: x509.NewCertPool()}
	m.roots.AddCert(peer)
	return &Store{log: log, held: m} // there are no files that could change
}
