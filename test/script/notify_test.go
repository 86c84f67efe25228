package script

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The daemon tells the service manager that it is ready, what it does, and that it stops;
// confined, too.
func TestNotify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	defer func() { _ = socket.Close() }()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "300000")
	daemon, _ := daemonProcess(t, t.TempDir(), "0")
	hears := func(want string) {
		t.Helper()
		must(t, socket.SetReadDeadline(time.Now().Add(10*time.Second)))
		b := make([]byte, 100)
		n, err := socket.Read(b)
		if must(t, err); !strings.Contains(string(b[:n]), want) {
			t.Errorf("it says %q, not %q", b[:n], want)
		}
	}
	hears("READY=1")
	hears("WATCHDOG=1\nSTATUS=0 sessions, 0 B moved")
	hears("WATCHDOG=1")
	must(t, daemon.Process.Signal(syscall.SIGTERM))
	hears("STOPPING=1")
	must(t, daemon.Wait())
}

// As long as it drains, the daemon asks the service manager for time, however short that one
// waits for an end by itself; and it goes on saying that it lives.
func TestNotifyWhileDraining(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	defer func() { _ = socket.Close() }()
	there, big := t.TempDir(), filepath.Join(t.TempDir(), "big")
	must(t, os.WriteFile(big, make([]byte, 64<<20), 0o600))
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "300000")
	daemon, log, _ := process(t, "rdmad", "--drain-timeout=1m", "--listen=unix:"+path+".rdmad", "--export=data="+there)
	go func() { _, _ = io.Copy(io.Discard, log) }()
	until := func(want string) {
		t.Helper()
		must(t, socket.SetReadDeadline(time.Now().Add(20*time.Second)))
		b := make([]byte, 200)
		for {
			n, err := socket.Read(b)
			if must(t, err); strings.Contains(string(b[:n]), want) {
				return
			}
			if want == "STOPPING=1" && strings.Contains(string(b[:n]), "EXTEND_") {
				t.Errorf("it asks for time ahead of that: %q", b[:n])
			}
		}
	}
	until("READY=1")
	t.Setenv("NOTIFY_SOCKET", "")
	copying, out, _ := process(t, "rdmacp", "--transport=tcp", "--bwlimit=1M", "--retry-for=0", "-q", big, "[unix:"+path+".rdmad]::data/big")
	go func() { _, _ = io.Copy(io.Discard, out) }()
	until("STATUS=1 session")
	must(t, daemon.Process.Signal(syscall.SIGTERM))
	until("STOPPING=1")
	for range 5 {
		until("WATCHDOG=1\nEXTEND_TIMEOUT_USEC=300000\nSTATUS=1 session")
	}
	must(t, copying.Process.Kill()) // there is nothing to wait for then
	must(t, daemon.Wait())
}
