package mtls

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
)

// reasons are why peers are refused, as they are counted.
var reasons = [...]string{"no_tls", "no_certificate", "unknown_ca", "not_in_force", "revoked", "not_valid", "refused_us", "timeout", "hung_up", "handshake"}

// reasonOf is the place of a reason among them.
func reasonOf(err error) int {
	name := nameOf(err)
	for i, r := range reasons {
		if r == name {
			return i
		}
	}
	return len(reasons) - 1
}

// nameOf is why a handshake has failed at the end that accepts.
func nameOf(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		plain   tls.RecordHeaderError
		failed  *tls.CertificateVerificationError
		remote  *net.OpError
	)
	switch {
	case errors.As(err, &plain):
		return "no_tls"
	case errors.Is(err, errRevoked):
		return "revoked"
	case errors.As(err, &unknown):
		return "unknown_ca"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "not_in_force"
	case errors.As(err, &failed):
		return "not_valid"
	case errors.As(err, &remote) && remote.Op == "remote error":
		return "refused_us"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "timeout"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, net.ErrClosed):
		return "hung_up"
	case strings.Contains(err.Error(), "didn't provide a certificate"): // crypto/tls has no type for it
		return "no_certificate"
	}
	return "handshake"
}

// Refused is how many connections were refused since their peers have not proved who they
// are, by the reason; those that never came are 0.
func (s *Store) Refused() map[string]int64 {
	all := map[string]int64{}
	for i, name := range reasons {
		all[name] = s.refused[i].Load()
	}
	return all
}
