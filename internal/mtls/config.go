package mtls

import "crypto/tls"

// protocol is what gRPC has to find agreed (ALPN). Connections for data agree on it, too:
// they say by their own first bytes what they are.
const protocol = "h2"

// server is how connections are accepted. Each handshake takes what is in the files by
// then. There are no session tickets: a certificate that was revoked opens nothing more.
func (s *Store) server() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			m := s.current()
			return &tls.Config{
				MinVersion:             tls.VersionTLS13,
				Certificates:           []tls.Certificate{m.cert},
				ClientAuth:             tls.RequireAndVerifyClientCert,
				ClientCAs:              s.clients(m),
				VerifyConnection:       m.revoked.check,
				NextProtos:             []string{protocol},
				SessionTicketsDisabled: true,
			}, nil
		},
	}
}

// client is how a connection to a host is made. Its certificate has to have that name.
func (s *Store) client(host string) *tls.Config {
	m := s.current()
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		// Whatever CAs the peer names: it then says why it refuses the certificate.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &m.cert, nil },
		RootCAs:              m.roots,
		ServerName:           host,
		VerifyConnection:     m.revoked.check,
		NextProtos:           []string{protocol},
	}
}
