package token

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

// Prefix is how the names of tokens begin, among those of other clients: see mtls.Reserved.
const Prefix = "token:"

// subject is the common name of all their certificates: a daemon tells everybody whose
// certificates it takes (RFC 8446, section 4.2.4), and is not to tell of its tokens.
const subject = Prefix

// Is reports whether a client's name is that of a token.
func Is(name string) bool { return strings.HasPrefix(name, Prefix) }

// The kinds of the blocks of a token's file: RFC 7468, sections 5 and 10.
const (
	certBlock = "CERTIFICATE"
	keyBlock  = "PRIVATE KEY"
)

// early is how long before it was made a certificate is in force, for clocks that differ.
const early = 5 * time.Minute

// makeFile makes a token's file: its key and certificate, and the certificates by which its
// holder knows the daemon.
func makeFile(until time.Time, daemon []*x509.Certificate) (text []byte, own *x509.Certificate, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: subject},
		NotBefore: time.Now().Add(-early), NotAfter: until,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true, // it is no CA
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	if own, err = x509.ParseCertificate(der); err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	text = pem.EncodeToMemory(&pem.Block{Type: certBlock, Bytes: der})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: secret})...)
	for _, c := range daemon {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: certBlock, Bytes: c.Raw})...)
	}
	return text, own, nil
}

// ErrNone says that a file is no token.
var ErrNone = errors.New("it is no token of rdmad's")

// Parse reads a token's file: what its holder proves itself by, and the certificates by
// which it knows the daemon.
func Parse(text []byte) (own tls.Certificate, daemon []*x509.Certificate, err error) {
	var certs []*x509.Certificate
	var first, key []byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case certBlock:
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return own, nil, fmt.Errorf("%w: %w", ErrNone, err)
			}
			if first == nil {
				first = pem.EncodeToMemory(block)
			}
			certs = append(certs, c)
		case keyBlock:
			key = pem.EncodeToMemory(block)
		}
	}
	if len(certs) < 2 || key == nil || certs[0].Subject.CommonName != subject {
		return own, nil, ErrNone
	}
	if own, err = tls.X509KeyPair(first, key); err != nil {
		return own, nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	return own, slices.Clone(certs[1:]), nil
}
