package script

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"

	"github.com/rdmacp/rdmacp/internal/testenv"
)

// repository is where the sources are.
const repository = "../.."

// goTool is a run of the go command, which says more if it fails.
func goTool(t *testing.T, env []string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir, cmd.Env = repository, append(os.Environ(), env...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &said)
	}
	return out
}

// committed is a folder with what is committed.
func committed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	archive := filepath.Join(dir, "archive.tar")
	for _, args := range [][]string{
		{"git", "-C", repository, "archive", "-o", archive, "HEAD"}, {"mkdir", filepath.Join(dir, "sources")}, {"tar", "-xf", archive, "-C", filepath.Join(dir, "sources")},
	} {
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	return filepath.Join(dir, "sources")
}

// What is committed is a module that go install takes: whole, without what only holds in
// this checkout (a replace, a file that is not committed), from any place.
func TestGoInstall(t *testing.T) {
	notShort(t)
	t.Parallel()
	if _, err := os.Stat(filepath.Join(repository, ".git")); err != nil {
		testenv.Missing(t, "the repository: what is installed is what is committed")
	}
	const path, version = "github.com/rdmacp/rdmacp", "v0.0.1"
	proxy := t.TempDir()
	dir := filepath.Join(proxy, path, "@v")
	must(t, os.MkdirAll(dir, 0o755))
	f, err := os.Create(filepath.Join(dir, version+".zip"))
	must(t, err)
	sources := committed(t)
	must(t, modzip.CreateFromDir(f, module.Version{Path: path, Version: version}, sources))
	must(t, f.Close())
	mod, err := os.ReadFile(filepath.Join(sources, "go.mod"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, version+".mod"), mod, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, version+".info"), fmt.Appendf(nil, `{"Version":%q}`, version), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "list"), []byte(version+"\n"), 0o600))

	cache := strings.TrimSpace(string(goTool(t, nil, "env", "GOMODCACHE")))
	bin := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "install", "-trimpath", "-modcacherw", path+"/cmd/rdmacp@"+version)
	cmd.Dir = t.TempDir() // of no module
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOBIN="+bin, "GOMODCACHE="+t.TempDir(), "GOSUMDB=off",
		"GOPROXY=file://"+proxy+",file://"+filepath.Join(cache, "cache", "download"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go install: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "rdmacp"), "--version").Output()
	if must(t, err); !strings.Contains(string(out), version) {
		t.Errorf("it says %q", out)
	}
}

// A client that was built without a C compiler copies by TCP, there and back.
func TestWithoutCgo(t *testing.T) {
	notShort(t)
	t.Parallel()
	here, there := t.TempDir(), t.TempDir()
	rdmacp := filepath.Join(here, "rdmacp")
	goTool(t, []string{"CGO_ENABLED=0"}, "build", "-o", rdmacp, "./cmd/rdmacp")
	_, port := daemonProcess(t, there, "0")
	text := make([]byte, 3<<20+1)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(text)
	must(t, os.WriteFile(filepath.Join(here, "a"), text, 0o600))
	for _, names := range [][]string{{filepath.Join(here, "a"), "127.0.0.1::data/b"}, {"127.0.0.1::data/b", filepath.Join(here, "c")}} {
		out, err := exec.CommandContext(t.Context(), rdmacp, append([]string{"--port=" + port}, names...)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), " · tcp 127.0.0.1 -> 127.0.0.1, since this host has no RDMA device · verified xxh3 ") {
			t.Fatalf("%v: %v\n%s", names, err, out)
		}
	}
	for _, name := range []string{filepath.Join(there, "b"), filepath.Join(here, "c")} {
		if b, err := os.ReadFile(name); err != nil || !bytes.Equal(b, text) {
			t.Errorf("%s: other bytes, %v", name, err)
		}
	}
}
