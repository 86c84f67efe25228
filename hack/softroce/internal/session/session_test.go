//go:build linux

package session

import (
	"bytes"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// serve returns a connection whose other end runs commands.
func serve(t *testing.T) *Conn {
	t.Helper()
	here, there := net.Pipe()
	t.Cleanup(func() { _ = here.Close() })
	go func() { _ = Serve(NewConn(there), func() {}) }()
	return NewConn(here)
}

func shell(script string) Command {
	return Command{Args: []string{"sh", "-c", script}, Dir: "/", Env: []string{"PATH=/usr/bin:/bin", "WHO=you"}}
}

func TestRunPassesEverythingThrough(t *testing.T) {
	var stdout, stderr bytes.Buffer
	conn := serve(t)
	for range 2 { // a connection serves command after command
		stdout.Reset()
		stderr.Reset()
		result, err := Run(conn, shell("echo to $WHO in $PWD; cat; echo oops >&2; exit 7"),
			Stdio{strings.NewReader("from stdin"), &stdout, &stderr})
		if err != nil || result.Code != 7 {
			t.Fatalf("got %+v, %v, want exit status 7", result, err)
		}
		if want := "to you in /\nfrom stdin"; stdout.String() != want {
			t.Errorf("stdout: got %q, want %q", stdout.String(), want)
		}
		if want := "oops\n"; stderr.String() != want {
			t.Errorf("stderr: got %q, want %q", stderr.String(), want)
		}
	}
}

func TestRunOfNothing(t *testing.T) {
	result, err := Run(serve(t), Command{Args: []string{"no-such-command"}, Env: []string{"PATH=/bin"}}, Stdio{})
	if err != nil || result.Code != 127 || !strings.Contains(result.Error, "no-such-command") {
		t.Errorf("got %+v, %v, want exit status 127 and the name", result, err)
	}
}

func TestSignal(t *testing.T) {
	conn := serve(t)
	started, out := io.Pipe()
	go func() {
		_, _ = started.Read(make([]byte, 1))
		_ = conn.SendSignal(syscall.SIGTERM)
		_, _ = io.Copy(io.Discard, started)
	}()
	result, err := Run(conn, shell("echo up; exec sleep 60"), Stdio{Stdout: out})
	if err != nil || result.Code != 128+int(syscall.SIGTERM) {
		t.Errorf("got %+v, %v, want exit status 143", result, err)
	}
}

// What a command leaves running in the background must not hold up its end.
func TestRunDoesNotWaitForChildren(t *testing.T) {
	started := time.Now()
	result, err := Run(serve(t), shell("sleep 5 & exit 3"), Stdio{Stdout: io.Discard, Stderr: io.Discard})
	if err != nil || result.Code != 3 {
		t.Errorf("got %+v, %v, want exit status 3", result, err)
	}
	if took := time.Since(started); took > 4*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestReceiveOfABrokenStream(t *testing.T) {
	stream := bytes.NewBufferString("o\xff\xff\xff\xff")
	if _, _, err := NewConn(stream).Receive(); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("got %v, want a broken stream", err)
	}
}
