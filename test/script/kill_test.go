package script

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/confine"
	"github.com/rdmacp/rdmacp/internal/rdmacp"
	"github.com/rdmacp/rdmacp/internal/rdmad"
	"github.com/rdmacp/rdmacp/internal/transport"
)

// asCommand says in the environment which command the test's binary is to be.
const asCommand = "RDMACP_TEST_AS"

// beCommand is that command, on a host without RDMA.
func beCommand(name string) int {
	streams := rdmacp.IO{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	if name == "rdmad" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		return rdmad.Main(ctx, os.Args[1:], streams, func(*slog.Logger) transport.Fabric { return none{} }, confine.To)
	}
	return rdmacp.Main(rdmacp.UntilSignalled(context.Background()), os.Args[1:], streams, none{})
}

// process runs a command as a process of its own, which is gone when the test ends.
func process(t *testing.T, name string, args ...string) (*exec.Cmd, io.Reader, *bytes.Buffer) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCommand+"="+name)
	stderr := &bytes.Buffer{}
	var out io.ReadCloser
	var err error
	if name == "rdmad" {
		out, err = cmd.StderrPipe()
	} else {
		cmd.Stderr = stderr
		out, err = cmd.StdoutPipe()
	}
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it may have ended before
	})
	return cmd, out, stderr
}

// daemonProcess is a daemon, and its port.
func daemonProcess(t *testing.T, dir, port string, flags ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd, log, _ := process(t, "rdmad", append(flags, "--drain-timeout=0s", "--listen=127.0.0.1:"+port, "--export=data="+dir)...)
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if m := regexp.MustCompile(`"ready","address":"127.0.0.1:(\d+)"`).FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, log) }()
			return cmd, m[1]
		}
	}
	t.Fatal("the daemon did not start")
	return nil, ""
}

// line is what of a line of --json counts here.
type line struct {
	Type           string
	Bytes, Resumed int64
	Transport      string
	Session        string
}

// An end that is killed in the middle of a copy, whichever it is, costs no more than what
// had moved within a second or so: the same command goes on behind it.
func TestKilled(t *testing.T) {
	notShort(t)
	t.Parallel()
	const size = 40 << 20
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
	for _, direction := range []string{"put", "get"} {
		for _, victim := range []string{"rdmacp", "rdmad"} {
			t.Run(direction+"/"+victim, func(t *testing.T) {
				t.Parallel()
				dir, here := t.TempDir(), t.TempDir()
				from, to := filepath.Join(here, "big"), "127.0.0.1::data/copy"
				source, copied := from, filepath.Join(dir, "copy")
				if direction == "get" {
					from, to = "127.0.0.1::data/big", filepath.Join(here, "copy")
					source, copied = filepath.Join(dir, "big"), to
				}
				must(t, os.WriteFile(source, content, 0o600))
				daemon, port := daemonProcess(t, dir, "0")
				client, out, _ := process(t, "rdmacp", "--transport=tcp", "--json", "--retry-for=0", "--bwlimit=8M", "--port="+port, from, to)
				killAt(t, 24<<20, out, map[string]*exec.Cmd{"rdmacp": client, "rdmad": daemon}[victim])
				if err := client.Wait(); err == nil {
					t.Fatal("the copy succeeded")
				}
				if _, err := os.Stat(copied); err == nil {
					t.Error("there is a copy")
				}
				if victim == "rdmad" {
					_ = daemon.Wait()
					_, port = daemonProcess(t, dir, "0")
				}
				last := again(t, "--transport=tcp", "--json", "--port="+port, from, to)
				if last.Type != "summary" || last.Transport != "tcp" || last.Resumed < 1<<20 || last.Resumed+last.Bytes != size {
					t.Errorf("the second run says %+v", last)
				}
				if got, err := os.ReadFile(copied); err != nil || !bytes.Equal(got, content) {
					t.Errorf("the copy differs, %v", err)
				}
			})
		}
	}
}

// again runs a copy once the daemon has noticed that its client is dead: until then another
// copy writes the file.
func again(t *testing.T, args ...string) line {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		client, out, stderr := process(t, "rdmacp", args...)
		last := lastLine(t, out)
		err := client.Wait()
		switch {
		case err == nil:
			return last
		case !strings.Contains(stderr.String(), "another copy is writing it") || time.Now().After(deadline):
			t.Fatalf("%v: %s", err, stderr)
		}
	}
}

// killAt kills a process once a copy has moved so many bytes.
func killAt(t *testing.T, n int64, out io.Reader, victim *exec.Cmd) {
	t.Helper()
	endAt(t, n, out, victim, os.Kill)
}

// endAt sends it a signal then.
func endAt(t *testing.T, n int64, out io.Reader, victim *exec.Cmd, by os.Signal) {
	t.Helper()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var l line
		must(t, json.Unmarshal(lines.Bytes(), &l))
		if l.Type == "progress" && l.Bytes >= n {
			must(t, victim.Process.Signal(by))
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return
		}
	}
	t.Fatal("the copy ended")
}

func lastLine(t *testing.T, out io.Reader) (l line) {
	t.Helper()
	b, err := io.ReadAll(out)
	must(t, err)
	all := strings.Split(strings.TrimSpace(string(b)), "\n")
	must(t, json.Unmarshal([]byte(all[len(all)-1]), &l))
	return l
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
