// Package testenv is what tests of several packages need of their surroundings:
// that nothing leaks, and that a missing device is never passed over in silence
// where it has to be there.
package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"
)

// Missing skips a test that lacks something, and says what. Where RDMA_TEST is
// "required", as in the guests of hack/softroce/vm, it fails the test instead.
func Missing(tb testing.TB, format string, args ...any) {
	tb.Helper()
	reason := fmt.Sprintf(format, args...)
	if os.Getenv("RDMA_TEST") == "required" {
		tb.Fatal("RDMA_TEST=required, but this test needs " + reason)
	}
	tb.Skip("needs " + reason)
}

// Main runs a package's tests and returns the exit code. It fails the run when a
// test leaves a goroutine or a descriptor behind, or when one of the leftovers
// names something.
func Main(m *testing.M, leftovers ...func() string) int {
	warmUp()
	before := OpenFiles()
	code := m.Run()
	if err := goleak.Find(); err != nil {
		code = leaked("goroutines", err)
	}
	if after := OpenFiles(); len(after) > len(before) {
		code = leaked("descriptors", fmt.Sprintf("before %q, after %q", before, after))
	}
	for _, left := range leftovers {
		if what := left(); what != "" {
			code = leaked("objects", what)
		}
	}
	return code
}

// leaked reports a leak and returns the exit code for it.
func leaked(what string, details any) int {
	fmt.Fprintf(os.Stderr, "the tests leaked %s: %v\n", what, details)
	return 1
}

// warmUp makes the runtime open its poller, which it keeps.
func warmUp() {
	if r, w, err := os.Pipe(); err == nil {
		_ = r.Close()
		_ = w.Close()
	}
}

// OpenFiles lists what the process has open, where the system can tell.
func OpenFiles() []string {
	links, _ := filepath.Glob("/proc/self/fd/*")
	files := make([]string, 0, len(links))
	for _, l := range links {
		if name, err := os.Readlink(l); err == nil { // the one that listed the folder is gone
			files = append(files, name)
		}
	}
	slices.Sort(files)
	return files
}
