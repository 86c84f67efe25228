package script

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rdmacp/rdmacp/internal/rdmad"
	"github.com/rdmacp/rdmacp/internal/transport/memory"
)

// cmdRdmacp runs rdmacp.
func cmdRdmacp(ts *testscript.TestScript, neg bool, args []string) {
	w := of(ts)
	w.run(context.Background(), ts, ts.Stdout(), args)
	w.check(ts, neg, "rdmacp")
}

// cmdRdmacpCut runs rdmacp --json and, once the copy has begun, cuts it: by a
// "signal" to rdmacp, or by a "stop" of the daemon.
func cmdRdmacpCut(ts *testscript.TestScript, neg bool, args []string) {
	w := of(ts)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	var cut func()
	switch args[0] {
	case "signal":
		cut = func() { cancel(errors.New("interrupt signal received")) }
	case "stop":
		cut = w.daemon.stop
	default:
		ts.Fatalf("rdmacp-cut signal|stop ARGS")
	}
	stdout := &cutter{w: ts.Stdout(), cut: cut}
	w.run(ctx, ts, stdout, append([]string{"--json"}, args[1:]...))
	w.check(ts, neg, "rdmacp")
}

// cutter calls cut when a copy has moved its first bytes.
type cutter struct {
	w   io.Writer
	cut func()
}

// Write looks for the line that says so.
func (c *cutter) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(`"type":"progress"`)) && !bytes.Contains(b, []byte(`"bytes":0,`)) {
		c.cut()
	}
	return c.w.Write(b)
}

// cmdFabric makes the fabric slow, or one that breaks: "fabric delay=100ms" or
// "fabric cut=5".
func cmdFabric(ts *testscript.TestScript, _ bool, args []string) {
	var f memory.Faults
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		var err error
		switch key {
		case "delay":
			f.Delay, err = time.ParseDuration(value)
		case "cut":
			f.CutAt, err = strconv.ParseInt(value, 10, 64)
		case "corrupt":
			f.CorruptAt, err = strconv.ParseInt(value, 10, 64)
		default:
			err = fmt.Errorf("there is no fault %q", key)
		}
		ts.Check(err)
	}
	of(ts).fabric = memory.New(f)
}

// cmdImpostor listens in the place of a daemon, on $PORT, and answers whatever
// comes with its argument; with none it never says a word.
func cmdImpostor(ts *testscript.TestScript, _ bool, args []string) {
	w := of(ts)
	lis, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	ts.Check(err)
	w.others = append(w.others, lis)
	_, port, err := net.SplitHostPort(lis.Addr().String())
	ts.Check(err)
	ts.Setenv("PORT", port)
	go func() {
		for {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				_, _ = io.WriteString(c, strings.Join(args, " "))
				_, _ = io.Copy(io.Discard, c) // until the other end gives up
			}()
		}
	}()
}

// cmdRdmad runs an rdmad that is to end by itself.
func cmdRdmad(ts *testscript.TestScript, neg bool, args []string) {
	w := of(ts)
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	w.exit = rdmad.Main(ctx, args, stdio(ts, ts.Stdout(), ts.Stderr()), w.newFabric)
	w.check(ts, neg, "rdmad")
}

// cmdRdmadStart starts an rdmad on a free port of loopback and sets $ADDR and
// $PORT.
func cmdRdmadStart(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("! rdmad-start: use ! rdmad")
	}
	addr, err := of(ts).start(ts, append([]string{"--listen", "127.0.0.1:0"}, args...))
	ts.Check(err)
	_, port, err := net.SplitHostPort(strings.Split(addr, ",")[0])
	ts.Check(err)
	ts.Setenv("ADDR", addr)
	ts.Setenv("PORT", port)
}

// cmdRdmadStop stops the daemon; its log is what stderr then looks at.
func cmdRdmadStop(ts *testscript.TestScript, neg bool, _ []string) {
	w := of(ts)
	d := w.daemon
	if d == nil {
		ts.Fatalf("no rdmad runs")
	}
	d.stop()
	select {
	case <-d.done:
	case <-time.After(stopLimit):
		ts.Fatalf("rdmad still runs after %v:\n%s", stopLimit, d.log)
	}
	w.daemon, w.exit = nil, d.exit
	_, _ = fmt.Fprint(ts.Stderr(), d.log)
	w.check(ts, neg, "rdmad")
}

// cmdExit checks the exit code of the last command.
func cmdExit(ts *testscript.TestScript, _ bool, args []string) {
	if got := strconv.Itoa(of(ts).exit); len(args) != 1 || args[0] != got {
		ts.Fatalf("exit code %s, want %s", got, args)
	}
}

// cmdMtime gives a file a time, or checks that two have the same.
func cmdMtime(ts *testscript.TestScript, _ bool, args []string) {
	file := ts.MkAbs(args[0])
	if at, err := time.Parse(time.RFC3339Nano, args[1]); err == nil {
		ts.Check(os.Chtimes(file, at, at))
		return
	}
	if a, b := stat(ts, args[0]).ModTime(), stat(ts, args[1]).ModTime(); !a.Equal(b) {
		ts.Fatalf("%s has mtime %v, %s has %v", args[0], a, args[1], b)
	}
}

// cmdMode checks a file's permissions.
func cmdMode(ts *testscript.TestScript, _ bool, args []string) {
	if got := fmt.Sprintf("%04o", stat(ts, args[1]).Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}

func stat(ts *testscript.TestScript, name string) fs.FileInfo {
	info, err := os.Stat(ts.MkAbs(name))
	ts.Check(err)
	return info
}

// cmdBlob makes a file of so many random bytes.
func cmdBlob(ts *testscript.TestScript, _ bool, args []string) {
	size, err := strconv.Atoi(args[1])
	ts.Check(err)
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size)}).Read(b)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o644))
}

// cmdNoPartials checks that a directory holds the named files and nothing else.
func cmdNoPartials(ts *testscript.TestScript, _ bool, args []string) {
	var got []string
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			got = append(got, d.Name())
		}
		return err
	}))
	if fmt.Sprint(got) != fmt.Sprint(args[1:]) {
		ts.Fatalf("%s holds %q, want %q", args[0], got, args[1:])
	}
}
