package mtls

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"net/url"
	"slices"
	"testing"
)

func TestNames(t *testing.T) {
	t.Parallel()
	spiffe := &url.URL{Scheme: "spiffe", Host: "cluster", Path: "/trainer/7"}
	for _, tt := range []struct {
		cert x509.Certificate
		want []string
	}{
		{x509.Certificate{Subject: pkix.Name{CommonName: "alice"}}, []string{"alice"}},
		{x509.Certificate{Subject: pkix.Name{CommonName: "root"}, DNSNames: []string{"alice"}}, []string{"alice"}},
		{x509.Certificate{URIs: []*url.URL{spiffe}, DNSNames: []string{"gpu7"}, EmailAddresses: []string{"a@b"}}, []string{"spiffe://cluster/trainer/7", "gpu7", "a@b"}},
		{x509.Certificate{DNSNames: []string{"local", "anonymous"}}, nil},
		{x509.Certificate{Subject: pkix.Name{CommonName: "local"}}, nil},
		{x509.Certificate{}, nil},
	} {
		if got := Names(&tt.cert); !slices.Equal(got, tt.want) {
			t.Errorf("%v: %q, want %q", tt.cert.Subject, got, tt.want)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern string
		name    string
		want    bool
	}{
		{"alice", "alice", true},
		{"alice", "alice2", false},
		{"*", "alice", true},
		{"gpu*", "gpu7", true},
		{"gpu*", "xgpu7", false},
		{"spiffe://cluster/trainer/*", "spiffe://cluster/trainer/7", true},
		{"spiffe://cluster/*", "spiffe://cluster/trainer/7", false},
		{"*", "spiffe://cluster/trainer/7", false},
		{"", "alice", false},
	} {
		if got := Match([]string{"nobody", tt.pattern}, []string{"other", tt.name}); got != tt.want && tt.pattern != "*" {
			t.Errorf("%q, %q: %v", tt.pattern, tt.name, got)
		}
		if got := Match([]string{tt.pattern}, []string{tt.name}); got != tt.want {
			t.Errorf("%q, %q: %v", tt.pattern, tt.name, got)
		}
	}
	if Match(nil, []string{"a"}) || Match([]string{"*"}, nil) {
		t.Error("nothing matches something")
	}
}
