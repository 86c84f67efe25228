package script

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rdmacp/rdmacp/internal/console"
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

// heedLimit is how long rdmacp may take to heed a signal. On a busy machine and
// with the race detector everything takes its time.
const heedLimit = 3 * time.Second

// signalled runs rdmacp and sends it a signal after a second, when it has long
// come to stand still.
func (w *world) signalled(ts *testscript.TestScript, streams console.IO, args []string) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	sent := make(chan time.Time, 1)
	signal := time.AfterFunc(time.Second, func() {
		sent <- time.Now()
		cancel(errors.New("interrupt signal received"))
	})
	w.runWith(ctx, ts, streams, args)
	if signal.Stop() {
		ts.Fatalf("rdmacp ended ahead of the signal")
	}
	if d := time.Since(<-sent); d > heedLimit {
		ts.Fatalf("rdmacp heeded the signal after %v", d)
	}
}

// cmdRdmacpStuck runs rdmacp with a pipe at whose other end nobody is: as its
// "stdin", "stdout", "stderr", or as "both" of the latter.
func cmdRdmacpStuck(ts *testscript.TestScript, neg bool, args []string) {
	r, to := pipe(ts)
	streams := stdio(ts, ts.Stdout(), ts.Stderr())
	switch args[0] {
	case "stdin":
		streams.Stdin = r
	case "stdout":
		streams.Stdout = to
	case "stderr":
		streams.Stderr = to
	case "both":
		streams.Stdout, streams.Stderr = to, to
	default:
		ts.Fatalf("rdmacp-stuck stdin|stdout|stderr|both ARGS")
	}
	w := of(ts)
	w.signalled(ts, streams, args[1:])
	w.check(ts, neg, "rdmacp")
	ts.Check(to.Close()) // whoever still reads or writes ends now
	ts.Check(r.Close())
}

func pipe(ts *testscript.TestScript) (r, w *os.File) {
	r, w, err := os.Pipe()
	ts.Check(err)
	return r, w
}
