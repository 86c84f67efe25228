package pki

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// Revoke takes a certificate back: its number goes into the CA's list. The certificate
// is that of a name, or a file.
func (ca *CA) Revoke(name string) error {
	what := "revoking the certificate of " + name
	file := name
	if nameForm.MatchString(name) {
		if own := ca.file(name, extCert); exists(own) {
			file = own
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return fault.New(fault.Usage, what, err, "give a name that was issued here, or the certificate's file")
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return fault.New(fault.Usage, what, errors.New("there is no certificate in "+file), "give a name that was issued here, or the certificate's file")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err == nil {
		err = cert.CheckSignatureFrom(ca.cert)
	}
	if err != nil {
		return fault.New(fault.Usage, what, fmt.Errorf("it is not one of this CA: %w", err), "name the directory of its CA (--dir)")
	}
	locked, err := ca.lock()
	if err != nil {
		return failed(what, err)
	}
	defer func() { _ = locked.Close() }()
	entries, number, err := ca.readCRL()
	if err != nil {
		return failed(what, err)
	}
	for _, e := range entries {
		if e.SerialNumber.Cmp(cert.SerialNumber) == 0 {
			return nil // it was already
		}
	}
	entries = append(entries, x509.RevocationListEntry{SerialNumber: cert.SerialNumber, RevocationTime: time.Now()})
	if err := ca.writeCRL(entries, number+1); err != nil {
		return failed(what, err)
	}
	return nil
}

// readCRL returns what was revoked so far, and the list's number.
func (ca *CA) readCRL() ([]x509.RevocationListEntry, int64, error) {
	b, err := os.ReadFile(ca.CRLFile())
	if err != nil {
		return nil, 0, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, 0, errors.New(ca.CRLFile() + " has no list in it")
	}
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", ca.CRLFile(), err)
	}
	return list.RevokedCertificateEntries, list.Number.Int64(), nil
}

// writeCRL writes the list, signed.
func (ca *CA) writeCRL(entries []x509.RevocationListEntry, number int64) error {
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		RevokedCertificateEntries: entries, Number: big.NewInt(number),
		ThisUpdate: time.Now(), NextUpdate: ca.cert.NotAfter,
	}, ca.cert, ca.key)
	if err != nil {
		return err
	}
	return replace(ca.CRLFile(), pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}), 0o644)
}
