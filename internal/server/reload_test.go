package server_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/server"
	"github.com/rdmacp/rdmacp/internal/testenv"
	"github.com/rdmacp/rdmacp/internal/transport"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
)

// A directory that is exported no more is let go of once nobody can be at it, so that it can
// be unmounted; a daemon that is stopped takes no others.
func TestReload(t *testing.T) {
	t.Parallel()
	if _, err := os.ReadDir("/proc/self/fd"); err != nil {
		testenv.Missing(t, "a system that tells what is open: %v", err)
	}
	d := start(t, memory.Faults{})
	s := d.dial(t, transport.Put)
	other := []server.Export{{Name: "other", Path: t.TempDir()}}
	for range 2 {
		must(t, d.Reload(other, nil))
	}
	if !isOpen(t, d.dir) {
		t.Error("it was closed under a session")
	}
	must(t, s.Close())
	eventually(t, "the directory is closed", func() bool { return !isOpen(t, d.dir) })
	if !isOpen(t, other[0].Path) {
		t.Error("what is exported is closed")
	}
	must(t, d.Close())
	failsWith(t, d.Reload(other, nil), fault.Interrupted)
	if isOpen(t, other[0].Path) {
		t.Error("a daemon that was stopped holds a directory")
	}
}

// isOpen reports whether this process has a directory open.
func isOpen(t *testing.T, dir string) bool {
	t.Helper()
	fds, err := filepath.Glob("/proc/self/fd/*")
	must(t, err)
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err == nil && target == dir {
			return true
		}
	}
	return false
}
