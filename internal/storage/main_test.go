package storage

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs the tests, or the errand of a child process that a test has
// started from this very binary. Afterwards no goroutine and no descriptor may
// be left.
func TestMain(m *testing.M) {
	if errand := os.Getenv(envErrand); errand != "" {
		os.Exit(runErrand(errand))
	}
	before := descriptors()
	code := m.Run()
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	for fd, target := range descriptors() {
		if was, ok := before[fd]; !ok && !harmless(target) {
			fmt.Fprintf(os.Stderr, "descriptor %s is left open: %s %s\n", fd, target, was)
			code = 1
		}
	}
	os.Exit(code)
}

// descriptors returns what is open; nothing where there is no /proc.
func descriptors() map[string]string {
	open := make(map[string]string)
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return open
	}
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil {
			open[e.Name()] = target
		}
	}
	return open
}

// harmless are the descriptors that the runtime and the go command keep.
func harmless(target string) bool {
	switch target {
	case "anon_inode:[eventpoll]", "anon_inode:[eventfd]", "anon_inode:[pidfd]", "/dev/null":
		return true
	}
	return false
}
