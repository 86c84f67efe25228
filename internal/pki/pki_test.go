package pki_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/pki"
)

// What several revoke at the same time is revoked, all of it, once each.
func TestRevokeAtOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "pki")
	ca, err := pki.Init(dir, "test")
	must(t, err)
	const n = 16
	for i := range n {
		_, err := ca.Issue(pki.Request{Name: fmt.Sprintf("c%d", i), Life: time.Hour})
		must(t, err)
	}
	var all sync.WaitGroup
	for i := range 2 * n {
		all.Go(func() {
			mine, err := pki.Open(dir)
			if err == nil {
				err = mine.Revoke(fmt.Sprintf("c%d", i%n))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	b, err := os.ReadFile(ca.CRLFile())
	must(t, err)
	block, _ := pem.Decode(b)
	list, err := x509.ParseRevocationList(block.Bytes)
	must(t, err)
	if got := len(list.RevokedCertificateEntries); got != n || list.Number.Int64() != n+1 {
		t.Errorf("the list, number %d, has %d certificates, want %d", list.Number, got, n)
	}
}

// A key is for nobody but its owner from the moment that it is there.
func TestModes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "pki")
	ca, err := pki.Init(dir, "test")
	must(t, err)
	issued, err := ca.Issue(pki.Request{Name: "a", Life: time.Hour})
	must(t, err)
	for name, want := range map[string]os.FileMode{
		dir: 0o700 | os.ModeDir, filepath.Join(dir, "ca.key"): 0o600, issued.Key: 0o600, issued.Cert: 0o644, ca.CRLFile(): 0o644,
	} {
		info, err := os.Stat(name)
		must(t, err)
		if info.Mode() != want {
			t.Errorf("%s has the mode %v, want %v", name, info.Mode(), want)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
