package mtls

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Files are where the credentials of an end lie, all of them in PEM.
type Files struct {
	Cert string // this end's certificate, and those between it and a CA's
	Key  string // its private key
	CA   string // certificates of the CAs whose certificates are trusted
	CRL  string // lists of revoked certificates, one of each CA at most; empty: none

	// CRLMayCome says that there need not be a CRL yet. What comes is in force from then on, and
	// goes on being so should it go.
	CRLMayCome bool
}

// Store has the credentials of an end in memory. It is safe for concurrent use.
type Store struct {
	files  Files
	log    *slog.Logger
	guests Guests // nil: none

	refused [len(reasons)]atomic.Int64 // connections, by all listeners, by reason

	mu   sync.Mutex
	seen [4]stamp // when they were read, well or not
	held *material
}

// material is what the files say.
type material struct {
	cert    tls.Certificate
	cas     []*x509.Certificate
	roots   *x509.CertPool // the same
	revoked revoked
}

// stamp tells versions of a file apart.
type stamp struct {
	modified time.Time
	size     int64
	mode     fs.FileMode
	failed   bool // it cannot be looked at
}

// Open reads the files. Its errors say which of them is wrong, and how.
func Open(f Files, log *slog.Logger) (*Store, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	seen := f.stamps()
	m, err := f.read(nil)
	if err != nil {
		return nil, err
	}
	return &Store{files: f, log: log, seen: seen, held: m}, nil
}

// Self is who the certificate is for, and until when.
func (s *Store) Self() string {
	leaf := s.current().cert.Leaf
	return fmt.Sprintf("%s, in force until %s", strings.Join(Names(leaf), ", "), leaf.NotAfter.Format(time.DateOnly))
}

// Names are who the certificate is for.
func (s *Store) Names() []string { return Names(s.current().cert.Leaf) }

// Expires is when the certificate expires.
func (s *Store) Expires() time.Time { return s.current().cert.Leaf.NotAfter }

// Serves refuses a certificate that no client would take for a daemon's.
func (s *Store) Serves() error {
	leaf := s.current().cert.Leaf
	for _, use := range leaf.ExtKeyUsage {
		if use == x509.ExtKeyUsageServerAuth || use == x509.ExtKeyUsageAny {
			return nil
		}
	}
	if len(leaf.ExtKeyUsage)+len(leaf.UnknownExtKeyUsage) == 0 {
		return nil // for whatever purpose
	}
	return fmt.Errorf("the certificate %s is a client's: it is not for TLS servers", s.files.Cert)
}

// current returns what the files say by now. Where they cannot be read, or do not fit
// together, as in the middle of being replaced, what they said before stays in force.
func (s *Store) current() *material {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.files.stamps() // ahead of the bytes: what changes in between is read again
	if now == s.seen {
		return s.held
	}
	s.seen = now // a version that is no good is no better the next time, and is logged once
	m, err := s.files.read(s.held)
	if err != nil {
		s.log.Warn("the TLS files have changed and cannot be used; the earlier ones stay in force", slog.Any("error", err))
		return s.held
	}
	s.log.Info("the TLS files were read again")
	s.held = m
	return m
}

// stamps looks at the files.
func (f Files) stamps() (all [4]stamp) {
	for i, name := range []string{f.Cert, f.Key, f.CA, f.CRL} {
		if name == "" {
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			all[i].failed = true
			continue
		}
		all[i] = stamp{modified: info.ModTime(), size: info.Size(), mode: info.Mode()}
	}
	return all
}

// read reads the files. Before is what they said earlier, if they did.
func (f Files) read(before *material) (*material, error) {
	if err := Private(f.Key); err != nil {
		return nil, err
	}
	cert, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate %s with the key %s: %w", f.Cert, f.Key, err)
	}
	cas, err := certificates(f.CA)
	if err != nil {
		return nil, err
	}
	m := &material{cert: cert, cas: cas, roots: x509.NewCertPool()}
	for _, ca := range cas {
		m.roots.AddCert(ca)
	}
	if f.CRL != "" {
		m.revoked, err = readRevoked(f.CRL, cas)
		if f.CRLMayCome && errors.Is(err, fs.ErrNotExist) && (before == nil || before.revoked == nil) {
			err = nil
		}
	}
	return m, err
}

// othersMay are the bits of a mode that let others read a file, or write it.
const othersMay fs.FileMode = 0o007

// Private refuses a file with a key that everybody on this host can read.
func Private(key string) error {
	info, err := os.Stat(key)
	if err != nil {
		return fmt.Errorf("reading the key: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode()&othersMay != 0 {
		return fmt.Errorf("the key %s is open to everybody on this host (mode %04o): chmod 600 %s", key, info.Mode().Perm(), key)
	}
	return nil
}

// certificates reads a file of certificates.
func certificates(name string) ([]*x509.Certificate, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("reading the CA: %w", err)
	}
	var list []*x509.Certificate
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("reading the CA %s: %w", name, err)
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, errors.New("reading the CA " + name + ": there is no certificate in it")
	}
	return list, nil
}
