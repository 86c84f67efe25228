package script

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A copy whose terminal is closed ends as by any other signal, with what has moved kept for the
// same command; under nohup it goes on.
func TestHangUp(t *testing.T) { //nolint:paralleltest // what this process ignores, its children do
	notShort(t)
	const size = 40 << 20
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{3}).Read(content)
	dir, here := t.TempDir(), t.TempDir()
	from, copied := filepath.Join(dir, "big"), filepath.Join(here, "copy")
	must(t, os.WriteFile(from, content, 0o600))
	_, port := daemonProcess(t, dir, "0")
	flags := []string{"--transport=tcp", "--json", "--port=" + port, "127.0.0.1::data/big", copied}

	client, out, stderr := process(t, "rdmacp", append([]string{"--bwlimit=8M"}, flags...)...)
	endAt(t, 24<<20, out, client, syscall.SIGHUP)
	_ = client.Process.Signal(syscall.SIGHUP) // a shell says so, and the kernel once more
	begun := time.Now()
	err := client.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 20 || !strings.Contains(stderr.String(), "hangup") {
		t.Errorf("it ends with %v: %s", err, stderr)
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("it ends after %v", took)
	}
	if last := again(t, flags...); last.Resumed < 1<<20 || last.Resumed+last.Bytes != size {
		t.Errorf("the second run says %+v", last)
	}
	must(t, os.Remove(copied))

	signal.Ignore(syscall.SIGHUP)
	client, out, stderr = process(t, "rdmacp", append([]string{"--bwlimit=20M"}, flags...)...)
	signal.Reset(syscall.SIGHUP)
	endAt(t, 8<<20, out, client, syscall.SIGHUP)
	if err := client.Wait(); err != nil {
		t.Errorf("under nohup it ends with %v: %s", err, stderr)
	}
	if got, err := os.ReadFile(copied); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the copy differs, %v", err)
	}
}
