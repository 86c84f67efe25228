package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	for page, words := range map[string][]string{
		"rdmacp.1":          {"via-ssh", "Exit codes", "\nhost:/path "},
		"rdmacp-verify.1":   {"compare"},
		"rdmad.8":           {"metrics", "\nread = "},
		"rdmad-pki-issue.8": {"host"},
		"rdmad-status.8":    {"admin"},
		"rdmacp-config.1":   {"Check the configuration", "RDMACP_CONFIG"},
		"rdmacp-doctor.1":   {"json", "bundle"},
	} {
		b, err := os.ReadFile(filepath.Join(dir, page))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, w := range words {
			if !strings.Contains(strings.ReplaceAll(string(b), `\-`, "-"), w) {
				t.Errorf("%s does not say %q", page, w)
			}
		}
	}
}
