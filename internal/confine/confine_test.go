//go:build linux

package confine_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/confine"
	"github.com/rdmacp/rdmacp/internal/testenv"
)

// asConfined names the directory in which the test's binary, run again, is confined.
const asConfined = "RDMACP_TEST_CONFINED"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asConfined); dir != "" {
		os.Exit(confined(dir))
	}
	os.Exit(m.Run())
}

// A process can do below its directories what it needs to, and nothing elsewhere, in
// whatever thread.
func TestTo(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"read", "write/sub", "remove", "other"} {
		must(t, os.MkdirAll(filepath.Join(dir, sub), 0o700))
	}
	for _, name := range []string{"read/a", "write/a", "remove/a", "other/a"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("a"), 0o600))
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), asConfined+"="+dir)
	out, err := cmd.Output() // on stderr coverage may be missed
	must(t, err)
	if strings.Contains(string(out), "no Landlock") {
		testenv.Missing(t, "a kernel with Landlock")
	}
	if string(out) != "" {
		t.Errorf("confined, it says:\n%s", out)
	}
}

// confined is the process that is confined; what it says is wrong.
func confined(dir string) int {
	at := func(name string) string { return filepath.Join(dir, name) }
	abi, err := confine.To(confine.Needs{Read: []string{at("read"), "/none", "/usr", "/lib", "/lib64", "/etc"}, Write: []string{at("write")}, Sockets: []string{at("remove")}})
	if err != nil {
		fmt.Println(err)
		return 0
	}
	if abi == 0 {
		fmt.Println("no Landlock")
		return 0
	}
	for _, c := range []struct {
		what    string
		allowed bool
		do      func() error
	}{
		{"read", true, func() error { return read(at("read/a")) }},
		{"write where it may read", false, func() error { return os.WriteFile(at("read/b"), nil, 0o600) }},
		{"read where it may write", true, func() error { return read(at("write/a")) }},
		{"write", true, func() error { return os.WriteFile(at("write/b"), []byte("b"), 0o600) }},
		{"rename", true, func() error { return os.Rename(at("write/b"), at("write/sub/b")) }},
		{"link", true, func() error { return os.Link(at("write/a"), at("write/sub/c")) }},
		{"link out", false, func() error { return os.Link(at("write/a"), at("other/c")) }},
		{"read elsewhere", false, func() error { return read(at("other/a")) }},
		{"list elsewhere", false, func() error { _, err := os.ReadDir(at("other")); return err }},
		{"make a socket", true, func() error { return listen(at("remove/s")) }},
		{"make a socket elsewhere", false, func() error { return listen(at("read/s")) }},
		{"make a file beside a socket", false, func() error { return os.WriteFile(at("remove/b"), nil, 0o600) }},
		{"remove", true, func() error { return os.Remove(at("remove/a")) }},
		{"remove elsewhere", false, func() error { return os.Remove(at("other/a")) }},
	} {
		// In threads of their own: what is confined is the process.
		done := make(chan error)
		go func() { done <- c.do() }()
		err := <-done
		if refused := errors.Is(err, fs.ErrPermission); refused == c.allowed || c.allowed && err != nil {
			fmt.Printf("%s: %v\n", c.what, err)
		}
	}
	return 0
}

func listen(name string) error {
	l, err := net.Listen("unix", name)
	if err != nil {
		return err
	}
	return l.Close()
}

func read(name string) error {
	_, err := os.ReadFile(name)
	return err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
