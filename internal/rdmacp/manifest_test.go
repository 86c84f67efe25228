package rdmacp

import (
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Sha256sum has the last word on what a manifest is.
func TestManifest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "sums")
	m, err := newManifest(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range []string{"plain", "with space", "new\nline", `back\slash`, "carriage\rreturn", "no utf\xff", " *", "ends\r"} {
		sum := sha256.Sum256([]byte(leaf))
		if err := os.WriteFile(filepath.Join(dir, leaf), []byte(leaf), 0o600); err != nil {
			t.Fatal(err)
		}
		m.add(sum[:], leaf)
	}
	if _, err := os.Stat(name); err == nil {
		t.Error("the manifest is there before it is complete")
	}
	if err := m.finish(); err != nil {
		t.Fatal(err)
	}
	m.drop()
	program, err := exec.LookPath("sha256sum")
	if err != nil {
		t.Fatal("there is no sha256sum, which coreutils have: ", err)
	}
	check := exec.CommandContext(t.Context(), program, "--strict", "-c", "sums")
	check.Dir = dir
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

func TestManifestDropped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m, err := newManifest(filepath.Join(dir, "sums"))
	if err != nil {
		t.Fatal(err)
	}
	m.drop()
	m.drop()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	if _, err := newManifest(dir); err == nil {
		t.Error("a directory is taken for a manifest")
	}
	var none *manifest
	none.drop()
}

// A hard link's digest is that of the file that it names, whichever comes first.
func TestTold(t *testing.T) {
	t.Parallel()
	var k told
	if sum := k.link("early", 1); sum != nil {
		t.Errorf("digest %x of a file that has not come", sum)
	}
	if names := k.sum(1, []byte{7}); len(names) != 1 || names[0] != "early" {
		t.Errorf("names %q", names)
	}
	if sum := k.link("late", 1); len(sum) != 1 || sum[0] != 7 {
		t.Errorf("digest %x", sum)
	}
}
