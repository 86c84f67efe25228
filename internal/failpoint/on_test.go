//go:build failpoint && unix

package failpoint

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// This test binary is the process that fails, when it is told to.
func TestMain(m *testing.M) {
	if os.Getenv(variable) == "" {
		os.Exit(m.Run())
	}
	for range 3 {
		if err := Around("write", func() error { _, err := os.Stdout.WriteString("w"); return err }); err != nil {
			os.Exit(5)
		}
	}
	os.Exit(0)
}

func TestFailpoint(t *testing.T) {
	t.Parallel()
	for plan, want := range map[string]struct {
		written string
		code    int
		signal  syscall.Signal
	}{
		"sync=kill":         {"www", 0, 0},
		"write=kill":        {"", -1, syscall.SIGKILL},
		"write/done=kill":   {"w", -1, syscall.SIGKILL},
		"write=kill@3":      {"ww", -1, syscall.SIGKILL},
		"write=kill@4":      {"www", 0, 0},
		"write=eio@2":       {"w", 5, 0},
		"write/done=eio@2":  {"ww", 5, 0},
		"write/done=panic":  {"w", 2, 0},
		"write=often":       {"", 2, 0},
		"write=kill@0":      {"", 2, 0},
		"write/done=kill@2": {"ww", -1, syscall.SIGKILL},
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this very program
		cmd.Env = append(os.Environ(), variable+"="+plan)
		out, err := cmd.Output()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if got := strings.TrimSpace(string(out)); got != want.written || status.ExitStatus() != want.code || status.Signaled() && status.Signal() != want.signal {
			t.Errorf("%s: it wrote %q and ended with %d, %v; want %q, %d, %v", plan, got, status.ExitStatus(), status, want.written, want.code, want.signal)
		}
	}
}
