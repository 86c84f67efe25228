package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// caName is the name of the CA's own files; no certificate can have it.
const caName = "ca"

// caLife is how long a CA lasts.
const caLife = 10 * 365 * 24 * time.Hour

// early is how long before its making a certificate is in force: clocks differ.
const early = time.Hour

// CA is an authority that is there.
type CA struct {
	dir  string
	cert *x509.Certificate
	key  crypto.Signer
}

// CertFile is where the CA's certificate lies, CRLFile its list of what was revoked.
func (ca *CA) CertFile() string { return ca.file(caName, extCert) }

// CRLFile is where the list of revoked certificates lies.
func (ca *CA) CRLFile() string { return ca.file(caName, extCRL) }

// Init makes a CA in a directory, which it makes if need be. One that is there stays.
func Init(dir, name string) (*CA, error) {
	what := "making a CA in " + dir
	ca := &CA{dir: dir}
	for _, f := range []string{ca.CertFile(), ca.file(caName, extKey)} {
		if _, err := os.Lstat(f); err == nil {
			return nil, fault.New(fault.Usage, what, fmt.Errorf("there is one: %s exists", f),
				"use it (rdmad pki issue), or name another directory; without its key nobody can renew what it has issued")
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, failed(what, err)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, failed(what, err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, failed(what, err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-early), NotAfter: now.Add(caLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	ca.key = key
	if ca.cert, err = sign(template, template, key.Public(), key); err != nil {
		return nil, failed(what, err)
	}
	if err := ca.write(caName, key, ca.cert); err != nil {
		return nil, failed(what, err)
	}
	if err := ca.writeCRL(nil, 1); err != nil {
		return nil, failed(what, err)
	}
	return ca, nil
}

// Open opens the CA in a directory.
func Open(dir string) (*CA, error) {
	ca := &CA{dir: dir}
	pair, err := tls.LoadX509KeyPair(ca.CertFile(), ca.file(caName, extKey))
	if err != nil {
		fix := "see that the files are whole and readable"
		if errors.Is(err, fs.ErrNotExist) {
			fix = "make a CA first (rdmad pki init), or name its directory (--dir)"
		}
		return nil, fault.New(fault.Usage, "opening the CA in "+dir, err, fix)
	}
	signer, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || !pair.Leaf.IsCA {
		return nil, fault.New(fault.Usage, "opening the CA in "+dir, errors.New("its certificate is not a CA's"), "name another directory (--dir)")
	}
	ca.cert, ca.key = pair.Leaf, signer
	return ca, nil
}

// sign makes a certificate.
func sign(template, parent *x509.Certificate, public any, by crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, by)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// serial is the number of a certificate: random, so that nothing has to be remembered.
func serial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it does not fail: see its documentation
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b[:])
}

// file is where a file of the CA lies.
func (ca *CA) file(name, ext string) string { return filepath.Join(ca.dir, name+ext) }

// failed is the fault of what the file system, or a bug, has kept from being done.
func failed(what string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fault.New(fault.Permission, what, err, "run it as a user who may write there, or name another directory (--dir)")
	}
	return fault.New(fault.IO, what, err, "see that the disk has room and that the directory can be written to")
}
