package script

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/rdmacp"
)

// activate starts a daemon with a listener of ours, as a service manager does it: sd_listen_fds(3).
func activate(t *testing.T, lis interface{ File() (*os.File, error) }, args ...string) (*exec.Cmd, *strings.Builder) {
	t.Helper()
	file, err := lis.File()
	must(t, err)
	defer func() { _ = file.Close() }()
	cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-c", `LISTEN_PID=$$ exec "$0" "$@"`, os.Args[0]}, args...)...)
	cmd.Env = append(os.Environ(), asCommand+"=rdmad", "LISTEN_FDS=1")
	cmd.ExtraFiles = []*os.File{file}
	log := &strings.Builder{}
	cmd.Stderr = log
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it may have ended before
	})
	return cmd, log
}

// Sockets that the service manager has opened are served, confined too, by TCP and unix sockets: who
// connects ahead of the daemon's start waits for it.
func TestActivation(t *testing.T) {
	t.Parallel()
	dir, here := t.TempDir(), t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "x"), []byte("of the daemon's"), 0o600))
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	unix, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	must(t, err)
	_, port, _ := net.SplitHostPort(tcp.Addr().String())
	for _, tt := range []struct {
		lis  net.Listener
		from []string
	}{
		{tcp, []string{"--port=" + port, "127.0.0.1::data/x"}},
		{unix, []string{"[unix:" + unix.Addr().String() + "]::data/x"}},
	} {
		file, ok := tt.lis.(interface{ File() (*os.File, error) })
		if !ok {
			t.Fatalf("%T", tt.lis)
		}
		copied := make(chan int, 1)
		go func() {
			args := append([]string{"--transport=tcp", "-q"}, append(tt.from, filepath.Join(here, "x-"+tt.lis.Addr().Network()))...)
			copied <- rdmacp.Main(context.Background(), args, rdmacp.IO{Stdin: strings.NewReader(""), Stdout: os.Stderr, Stderr: os.Stderr}, none{})
		}()
		time.Sleep(200 * time.Millisecond) // it has connected, most likely
		activate(t, file, "--export=data="+dir, "--listen=127.0.0.1:1")
		if code := <-copied; code != 0 {
			t.Errorf("%s: the copy ended with %d", tt.lis.Addr(), code)
		}
		if b, err := os.ReadFile(filepath.Join(here, "x-"+tt.lis.Addr().Network())); err != nil || string(b) != "of the daemon's" {
			t.Errorf("%s: %q, %v", tt.lis.Addr(), b, err)
		}
		must(t, tt.lis.Close())
	}
}

// A socket that others can reach is not served without TLS, whoever has opened it; and one that is none to
// listen on is not at all.
func TestActivationRefused(t *testing.T) {
	t.Parallel()
	open, err := net.Listen("tcp", ":0") //nolint:gosec // nothing accepts there
	must(t, err)
	defer func() { _ = open.Close() }()
	packets, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "p"), Net: "unixgram"})
	must(t, err)
	defer func() { _ = packets.Close() }()
	for want, lis := range map[string]any{"without TLS whoever reaches the port": open, "none to listen on": packets} {
		file, ok := lis.(interface{ File() (*os.File, error) })
		if !ok {
			t.Fatalf("%T", lis)
		}
		cmd, log := activate(t, file, "--export=data="+t.TempDir())
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(log.String(), want) {
			t.Errorf("it ended with %v\n%s", err, log)
		}
	}
}
