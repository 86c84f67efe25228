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

// prefix is how the names of tokens begin, among those of other clients.
const prefix = "token:" // see mtls.Reserved

// Is reports whether a client's name is that of a token.
func Is(name string) bool { return strings.HasPrefix(name, prefix) }

// The kinds of the blocks of a token's file: RFC 7468, sections 5 and 10.
const (
	certBlock = "CERTIFICATE"
	keyBlock  = "PRIVATE KEY"
)

// early is how long before it was made a certificate is in force, for clocks that differ.
const early = 5 * time.Minute

// make makes a token's file: its key and certificate, and the certificates by which its
// holder knows the daemon.
func makeFile(id string, until time.Time, daemon []*x509.Certificate) (text []byte, own *x509.Certificate, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: prefix + id},
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
	if len(certs) < 2 || key == nil || !Is(certs[0].Subject.CommonName) {
		return own, nil, ErrNone
	}
	if own, err = tls.X509KeyPair(first, key); err != nil {
		return own, nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	return own, slices.Clone(certs[1:]), nil
}
