package storage

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// What a child process is told to do in place of the tests: the number of the
// call to the operating system at which it shall stop, and where to copy to.
const (
	envErrand = "RDMACP_TEST_ERRAND"
	envPath   = "RDMACP_TEST_PATH"
	envWhat   = "RDMACP_TEST_WHAT"
)

// What it copies.
const (
	errandFile  = "file"  // newText to the path
	errandScene = "scene" // the scene into the directory at the path
	errandSmall = "small" // the small scene into it
)

// runErrand copies, and stops dead ahead of the nth call until it is killed.
func runErrand(errand string) int {
	n, err := strconv.Atoi(errand)
	if err != nil {
		return 2
	}
	calls := 0
	sm := func(s step, call func() error) error {
		calls++
		if calls == n {
			stopDead(string(s))
		}
		return call()
	}
	switch os.Getenv(envWhat) {
	case errandScene:
		_, err = playScene(context.Background(), os.Getenv(envPath), sm)
	case errandSmall:
		_, err = playSmall(context.Background(), os.Getenv(envPath), many, sm)
	default:
		err = copyTo(context.Background(), os.Getenv(envPath), sm)
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	stopDead("end")
	return 0
}

// stopDead tells the parent, and waits for its signal; the parent's own death
// ends it too.
func stopDead(where string) {
	fmt.Println(where)
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(3)
}

// victim is a child that copies and has stopped at a step.
type victim struct {
	cmd  *exec.Cmd
	in   io.Closer
	step step
}

// startVictim starts a copy to path in another process and waits until it stops
// ahead of its nth call; the step is "end" when it is through.
func startVictim(t *testing.T, path string, n int) *victim {
	t.Helper()
	return startErrand(t, errandFile, path, n)
}

func startErrand(t *testing.T, what, path string, n int) *victim {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), envErrand+"="+strconv.Itoa(n), envPath+"="+path, envWhat+"="+what)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Error(err)
	}
	return &victim{cmd: cmd, in: in, step: step(strings.TrimSpace(line))}
}

// kill ends the child by SIGKILL.
func (v *victim) kill(t *testing.T) {
	t.Helper()
	if err := v.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = v.cmd.Wait() // "signal: killed"
	_ = v.in.Close()
}
