package verbs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the run when a test leaves a goroutine, a descriptor or an object behind.
func TestMain(m *testing.M) {
	warmUp()
	before := openFiles()
	code := m.Run()
	if code == 0 {
		code = leaks(before)
	}
	os.Exit(code)
}

// warmUp makes the runtime open its poller, which it keeps.
func warmUp() {
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	_ = r.Close()
	_ = w.Close()
}

func leaks(before []string) int {
	code := 0
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, "goroutines leaked:", err)
		code = 1
	}
	if open := live.String(); open != "" {
		fmt.Fprintln(os.Stderr, "objects leaked:", open)
		code = 1
	}
	if after := openFiles(); len(after) > len(before) {
		fmt.Fprintf(os.Stderr, "descriptors leaked:\nbefore %q\nafter  %q\n", before, after)
		code = 1
	}

	return code
}

// openFiles lists what the process has open, where the system can tell.
func openFiles() []string {
	links, _ := filepath.Glob("/proc/self/fd/*")
	files := make([]string, 0, len(links))
	for _, l := range links {
		if name, err := os.Readlink(l); err == nil { // The descriptor that listed the folder is gone.
			files = append(files, name)
		}
	}
	slices.Sort(files)

	return files
}
