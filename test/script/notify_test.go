package script

import (
	"net"
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
