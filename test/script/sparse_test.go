package script

import (
	"os"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// mark is what stands in a file behind a hole.
const mark = "behind the hole"

// cmdSparse makes a file with a hole of so many bytes.
func cmdSparse(ts *testscript.TestScript, _ bool, args []string) {
	off, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = f.WriteAt([]byte(mark), off)
	ts.Check(err)
	ts.Check(f.Close())
}

// cmdAt checks that a file is such a one.
func cmdAt(ts *testscript.TestScript, _ bool, args []string) {
	off, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	f, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer func() { _ = f.Close() }()
	b := make([]byte, len(mark)+2)
	n, _ := f.ReadAt(b, off-1) // its end comes before that of b
	if string(b[:n]) != "\x00"+mark {
		ts.Fatalf("%s holds %q at %d", args[0], b[:n], off-1)
	}
}
