//go:build linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// TestMain ends what the tests started, and prints how long the answers took.
func TestMain(m *testing.M) {
	// What is configured on this host for rdmacp stays out of it.
	if err := os.Setenv("RDMACP_CONFIG", "/dev/null"); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
	}
	code := m.Run()
	if err := closeLab(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	printAnswers(os.Stdout)
	printDiagnoses(os.Stdout)
	os.Exit(code)
}

// requireGuests skips a test that does not run on the first of two guests, or
// fails it if RDMA_TEST=required.
func requireGuests(t *testing.T) {
	t.Helper()
	reason := ""
	if host, err := os.Hostname(); err != nil || host != here {
		reason = fmt.Sprintf("this host is %s and no guest called %s", host, here)
	} else if _, err := exec.LookPath("on"); err != nil {
		reason = "there is no command on that reaches the other guest"
	} else if out, err := exec.CommandContext(t.Context(), "on", there, "true").CombinedOutput(); err != nil {
		reason = fmt.Sprintf("%s cannot be reached: %v: %s", there, err, out)
	}
	switch {
	case reason == "":
	case os.Getenv("RDMA_TEST") == "required":
		t.Fatalf("RDMA_TEST=required, and %s: hack/test e2e runs these tests", reason)
	default:
		t.Skipf("%s: hack/test e2e runs these tests", reason)
	}
}
