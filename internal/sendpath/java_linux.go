package sendpath

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// javaSource is a program that java runs as it is (JEP 330).
//
//go:embed Transfer.java
var javaSource []byte

// viaJava has Java send the file, to see what those get who copy with it. The times are the program's
// own, without the start of the virtual machine.
func viaJava(ctx context.Context, path string, size int64, d *drain) (c Cost, err error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return c, fmt.Errorf("%w: there is no java", ErrSkip)
	}
	dir, err := os.MkdirTemp("", "rdmacp-bench-")
	if err != nil {
		return c, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // it is a temporary one
	program := filepath.Join(dir, "Transfer.java")
	if err := os.WriteFile(program, javaSource, 0o600); err != nil {
		return c, err
	}
	_, port, err := net.SplitHostPort(d.address())
	if err != nil {
		return c, err
	}
	out, err := exec.CommandContext(ctx, java, program, path, port).Output() //nolint:gosec // it is the user's java
	if ctx.Err() != nil {
		return c, context.Cause(ctx)
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return c, fmt.Errorf("%w: java: %s", ErrSkip, firstLine(exit.Stderr))
	}
	if err != nil {
		return c, err
	}
	var elapsed, user, system int64
	if _, err := fmt.Sscan(string(out), &elapsed, &user, &system); err != nil {
		return c, fmt.Errorf("reading what java says: %w", err)
	}
	c = Cost{Bytes: size, Elapsed: time.Duration(elapsed), Note: "by its own clocks"}
	c.CPU.User, c.CPU.System = time.Duration(user), time.Duration(system)
	return c, d.wait(ctx)
}

// firstLine is what there is to say of what a program complained about.
func firstLine(b []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	return line
}
