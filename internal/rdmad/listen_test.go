package rdmad

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// open listens on what is written as text.
func open(t *testing.T, text string, insecure bool) (net.Listener, error) {
	t.Helper()
	list, err := parseListen([]string{text})
	if err != nil {
		t.Fatal(err)
	}
	lis, err := list[0].open(t.Context(), insecure)
	if err == nil {
		t.Cleanup(func() { _ = lis.Close() })
	}
	return lis, err
}

func TestListenIsSecureByDefault(t *testing.T) {
	t.Parallel()
	for _, text := range []string{":0", "0.0.0.0:0", "[::]:0", "10.1.2.3:0", "[2001:db8::1]:0", "[::ffff:10.1.2.3]:0"} {
		if _, err := open(t, text, false); fault.CodeOf(err) != fault.Usage {
			t.Errorf("%s without --insecure: %v", text, err)
		}
	}
	for _, text := range []string{"127.0.0.1:0", "127.3.2.1:0", "localhost:0"} {
		lis, err := open(t, text, false)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if a := lis.Addr().(*net.TCPAddr); !a.IP.IsLoopback() {
			t.Errorf("%s: listens on %v", text, a)
		}
	}
	if _, err := open(t, ":0", true); err != nil {
		t.Errorf("--insecure: %v", err)
	}
}

func TestListenFaults(t *testing.T) {
	t.Parallel()
	first, err := open(t, "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, text := range []string{
		first.Addr().String(), "192.0.2.1:0", "unix:" + dir, "unix:" + dir + "/none/sock",
	} {
		_, err := open(t, text, true)
		f, ok := fault.As(err)
		if !ok || f.Code != fault.Unreachable || f.Why == nil || f.Fix == "" {
			t.Errorf("%s: not a whole fault: %v", text, err)
		}
	}
}

func TestUnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sock")
	lis, err := open(t, "unix:"+path, false)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != socketMode {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := open(t, "unix:"+path, false); fault.CodeOf(err) != fault.Unreachable {
		t.Errorf("a socket that is in use: %v", err)
	}
	// A daemon that was killed leaves its socket behind.
	lis.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := lis.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, "unix:"+path, false); err != nil {
		t.Errorf("a socket that was left behind: %v", err)
	}
}
