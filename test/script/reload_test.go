package script

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// SIGHUP has the daemon take its exports anew: copies that run go on as they are, those that
// begin find what is in force now. A configuration that is wrong changes nothing.
func TestReload(t *testing.T) {
	notShort(t)
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "rdmad.toml")
	for _, name := range []string{"srv", "more", "more/below"} {
		must(t, os.Mkdir(filepath.Join(dir, name), 0o700))
	}
	write := func(format string, args ...any) { // at once, for the daemon may be reading
		must(t, os.WriteFile(file+".new", fmt.Appendf(nil, format, args...), 0o600))
		must(t, os.Rename(file+".new", file))
	}
	const export = "[export.%s]\npath = '%s'\nread_only = %t\n"
	write(export, "more", dir+"/more", false)
	daemon, port := daemonProcess(t, filepath.Join(dir, "srv"), "0", "--config="+file)
	small := filepath.Join(dir, "small")
	must(t, os.WriteFile(small, make([]byte, 100), 0o600))
	big := filepath.Join(dir, "big")
	must(t, os.WriteFile(big, make([]byte, 4<<20), 0o600))

	// put copies a file into an export, and returns what is said of it; empty if it is there.
	put := func(path, to string, flags ...string) string {
		cmd, _, stderr := process(t, "rdmacp", append(flags, "-I", "--transport=tcp", "-q", "--port="+port, path, "127.0.0.1::"+to)...)
		if cmd.Wait() == nil {
			return ""
		}
		return stderr.String()
	}
	says := func(path, to, want string) {
		t.Helper()
		must(t, daemon.Process.Signal(syscall.SIGHUP))
		var got string
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			if got = put(path, to); got == want || want != "" && strings.Contains(got, want) {
				return
			}
		}
		t.Errorf("%s: %q, want %q", to, got, want)
	}
	if got := put(small, "more/a"); got != "" {
		t.Fatal(got)
	}
	running := make(chan string)
	go func() { running <- put(big, "more/big", "--bwlimit=2M", "--chunk-size=64KiB") }()
	appears(t, filepath.Join(dir, "more/.big.rdmacp-partial"))
	write(export, "more", dir+"/more", true)
	says(small, "more/a", "read-only")
	write(export+export, "more", dir+"/more", true, "below", dir+"/more/below", false)
	says(small, "below/a", "")
	write("[export.more]\npath = [") // and the daemon goes on as it was
	must(t, daemon.Process.Signal(syscall.SIGHUP))
	write(export, "more", dir+"/none", false)
	must(t, daemon.Process.Signal(syscall.SIGHUP))
	time.Sleep(100 * time.Millisecond)
	if got := put(small, "below/b"); got != "" {
		t.Error(got)
	}
	if got := <-running; got != "" {
		t.Errorf("the copy that ran: %s", got)
	}
	write(export, "more", dir+"/more", false)
	says(small, "below/a", "export")
	says(small, "more/a", "")
}

// appears waits until a file is there.
func appears(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
	}
	t.Errorf("%s does not appear", path)
}
