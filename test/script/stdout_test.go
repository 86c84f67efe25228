package script

import (
	"context"
	"io"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdRdmacpTo runs rdmacp with a standard output that does not take all of it: one
// that is "full" from the start, or a pipe that is "broken" after the first bytes.
func cmdRdmacpTo(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("rdmacp-to full|broken ARGS")
	}
	w := of(ts)
	ctx := context.Background()
	switch args[0] {
	case "full":
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		ts.Check(err)
		defer func() { _ = full.Close() }()
		w.run(ctx, ts, full, args[1:])
	case "broken":
		r, to := pipe(ts)
		go func() {
			_, _ = io.ReadFull(r, make([]byte, 1))
			_ = r.Close()
		}()
		w.run(ctx, ts, to, args[1:])
		ts.Check(to.Close())
	default:
		ts.Fatalf("there is no standard output %q", args[0])
	}
	w.check(ts, neg, "rdmacp")
}

func pipe(ts *testscript.TestScript) (r, w *os.File) {
	r, w, err := os.Pipe()
	ts.Check(err)
	return r, w
}
