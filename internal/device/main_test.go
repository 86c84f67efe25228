package device

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the run when a test leaves a goroutine or a descriptor behind.
func TestMain(m *testing.M) {
	warmUp()
	before := openFiles()
	code := m.Run()
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, "goroutines leaked:", err)
		code = max(code, 1)
	}
	if after := openFiles(); len(after) > len(before) {
		fmt.Fprintf(os.Stderr, "descriptors leaked:\nbefore %q\nafter  %q\n", before, after)
		code = max(code, 1)
	}
	os.Exit(code)
}

// warmUp makes the runtime open its poller, which it keeps.
func warmUp() {
	if r, w, err := os.Pipe(); err == nil {
		_ = r.Close()
		_ = w.Close()
	}
}

// openFiles lists what the process has open, where the system can tell.
func openFiles() []string {
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
