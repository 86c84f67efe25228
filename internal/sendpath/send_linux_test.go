package sendpath

import (
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/testenv"
)

// aFile is a file of that many bytes, and their digest.
func aFile(t *testing.T, size int) (path string, digest [sha256.Size]byte) {
	t.Helper()
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(content)
	path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, sha256.Sum256(content)
}

// Each path sends the file as it is, and counts the copies that it is known for.
func TestPaths(t *testing.T) {
	const size = 5<<20 + 123
	path, want := aFile(t, size)
	for _, p := range Paths() {
		if p.send == nil {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			h := sha256.New()
			d, err := newDrain(t.Context(), size, func(b []byte) { _, _ = h.Write(b) })
			if err != nil {
				t.Fatal(err)
			}
			defer d.close()
			c, err := p.measure(t.Context(), f, size, d)
			if err != nil {
				t.Fatal(err)
			}
			if [sha256.Size]byte(h.Sum(nil)) != want {
				t.Error("other bytes arrived")
			}
			t.Logf("%+v", c)
			copies := map[string]int64{"read, write": 2, "mmap, write": 1, "splice": 0, "sendfile": 0}
			if n, known := copies[p.Name]; known && c.Copied != n*size {
				t.Errorf("%d bytes copied, want %d times %d", c.Copied, n, size)
			}
			if c.Bytes != size || c.Elapsed <= 0 || c.Calls < 6 {
				t.Errorf("%+v", c)
			}
		})
	}
}

// What the kernel says of MSG_ZEROCOPY on loopback is that it has copied.
func TestZeroCopyTells(t *testing.T) {
	path, _ := aFile(t, 1<<20)
	c, err := Path{Name: "MSG_ZEROCOPY", send: zeroCopy}.Send(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if c.Copied != 1<<20 || c.Note == "" {
		t.Errorf("%+v", c)
	}
}

// Java's way is one of its own.
func TestJava(t *testing.T) {
	path, _ := aFile(t, 1<<20)
	c, err := Path{Name: "Java"}.Send(t.Context(), path)
	if errors.Is(err, ErrSkip) {
		testenv.Missing(t, "java: %v", err)
	}
	if err != nil || c.Bytes != 1<<20 || c.Elapsed <= 0 || c.CPU.Time() <= 0 {
		t.Errorf("%+v, %v", c, err)
	}
}

// What java is told and says is understood, whatever java it is, and one that fails or is not there is left out.
func TestJavaSays(t *testing.T) {
	path, _ := aFile(t, 1<<20)
	for _, c := range []struct {
		name, java string
		skips      string // why; empty: it works
	}{
		{"sends", `exec 3<>/dev/tcp/127.0.0.1/$3; cat "$2" >&3; exec 3>&-; echo 5000 3000 2000`, ""},
		{"fails", `echo "no compiler here" >&2; echo more >&2; exit 1`, "java: no compiler here"},
		{"is not there", "", "there is no java"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bin := t.TempDir()
			if c.java != "" {
				if err := os.WriteFile(filepath.Join(bin, "java"), []byte("#!/bin/bash\nPATH=/usr/bin:/bin\n"+c.java+"\n"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("PATH", bin)
			cost, err := Path{Name: "Java"}.Send(t.Context(), path)
			if c.skips != "" {
				if !errors.Is(err, ErrSkip) || !strings.HasSuffix(err.Error(), c.skips) {
					t.Errorf("%v, want %q", err, c.skips)
				}
				return
			}
			if err != nil || cost.Bytes != 1<<20 || cost.Elapsed != 5000 || cost.CPU.User != 3000 || cost.CPU.System != 2000 {
				t.Errorf("%+v, %v", cost, err)
			}
		})
	}
}

// What cannot be sent is an error, and leaves nothing behind; so does whoever gives up.
func TestSendFails(t *testing.T) {
	path, _ := aFile(t, 3<<20)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, p := range Paths() {
		if _, err := p.Send(t.Context(), path+".not"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a file that is not there: %v", p.Name, err)
		}
		if _, err := p.Send(gone, path); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: cancelled: %v", p.Name, err)
		}
	}
}
