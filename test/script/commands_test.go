package script

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rdmacp/rdmacp/internal/rdmacp"
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
// "signal" to rdmacp, by a "stop" of the daemon, or by "cancel" where rdmad status shows it; or has people "look" at it, or
// "remove" the file that is named next.
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
	case "cancel":
		cut = sync.OnceFunc(func() { cancelAll(ts) })
	case "look":
		cut = sync.OnceFunc(func() { lookOn(ts) })
	case "remove":
		args = args[1:]
		path := ts.MkAbs(args[0])
		cut = sync.OnceFunc(func() { ts.Check(os.Remove(path)) })
	default:
		ts.Fatalf("rdmacp-cut signal|stop|cancel|look|remove FILE ARGS")
	}
	stdout := &cutter{w: ts.Stdout(), cut: cut}
	w.run(ctx, ts, stdout, append([]string{"--json"}, args[1:]...))
	w.check(ts, neg, "rdmacp")
}

// lookOn has alice, bob and carol, and who is on the daemon's host, see what it does.
func lookOn(ts *testscript.TestScript) {
	pki := ts.Getenv("WORK") + "/pki/"
	for _, name := range []string{"alice", "bob", "carol"} {
		args := []string{"top", "-d", "500ms", "--tls-ca", pki + "ca.crt", "--tls-cert", pki + name + ".crt", "--tls-key", pki + name + ".key", "--port", ts.Getenv("PORT"), "127.0.0.1"}
		_, _ = fmt.Fprintln(ts.Stderr(), name+" sees")
		rdmacp.Main(context.Background(), args, stdio(ts, ts.Stderr(), ts.Stderr()), nil)
	}
	_, _ = fmt.Fprintln(ts.Stderr(), "the host sees")
	rdmacp.Main(context.Background(), []string{"top", "-d", "500ms", "--json", "[unix:" + ts.Getenv("WORK") + "/rdmad.sock]"}, stdio(ts, &once{w: ts.Stderr()}, ts.Stderr()), nil)
}

// once takes one line, and is full.
type once struct {
	w    io.Writer
	full bool
}

// Write writes a line.
func (o *once) Write(b []byte) (int, error) {
	if o.full {
		return 0, io.ErrClosedPipe
	}
	o.full = true
	return o.w.Write(b)
}

// cancelAll shows what the daemon does, and cancels its one session.
func cancelAll(ts *testscript.TestScript) {
	var status bytes.Buffer
	socket := "--admin=" + ts.Getenv("WORK") + "/admin.sock"
	if rdmad.Main(context.Background(), []string{"status", socket}, stdio(ts, &status, ts.Stderr()), nil, nil) != 0 {
		return // stderr has it
	}
	_, _ = ts.Stderr().Write(status.Bytes())
	id := regexp.MustCompile(`(?m)^[A-Z0-9]{8} `).FindString(status.String())
	rdmad.Main(context.Background(), []string{"cancel", socket, strings.TrimSpace(id)}, stdio(ts, ts.Stdout(), ts.Stderr()), nil, nil)
}

// cmdHTTP gets a page from the address to which rdmad-start gave --metrics.
func cmdHTTP(ts *testscript.TestScript, neg bool, args []string) {
	q, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+args[0], nil)
	ts.Check(err)
	a, err := http.DefaultClient.Do(q)
	ts.Check(err)
	defer func() { _ = a.Body.Close() }()
	defer http.DefaultClient.CloseIdleConnections()
	_, err = io.Copy(ts.Stdout(), a.Body)
	ts.Check(err)
	if neg != (a.StatusCode != http.StatusOK) {
		ts.Fatalf("%s: %s", args[0], a.Status)
	}
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
// "fabric cut=5", or breaks now and again: "fabric breaks=5"; one whose hosts are "apart"; or takes it from the client's host
// ("none here"), the daemon's ("none there") or both ("none").
func cmdFabric(ts *testscript.TestScript, _ bool, args []string) {
	w := of(ts)
	switch strings.Join(args, " ") {
	case "none":
		w.set(none{}, none{})
		return
	case "none here":
		w.set(none{}, memory.New(memory.Faults{}))
		return
	case "none there":
		w.set(memory.New(memory.Faults{}), none{})
		return
	case "apart":
		f := apart{memory.New(memory.Faults{})}
		w.set(f, f)
		return
	}
	var f memory.Faults
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		var err error
		switch key {
		case "delay":
			f.Delay, err = time.ParseDuration(value)
		case "cut":
			f.CutAt, err = strconv.ParseInt(value, 10, 64)
		case "breaks":
			f.CutEvery, err = strconv.ParseInt(value, 10, 64)
		case "corrupt":
			f.CorruptAt, err = strconv.ParseInt(value, 10, 64)
		default:
			err = fmt.Errorf("there is no fault %q", key)
		}
		ts.Check(err)
	}
	both := memory.New(f)
	w.set(both, both)
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
	w.exit = rdmad.Main(ctx, args, stdio(ts, ts.Stdout(), ts.Stderr()), w.newFabric, nil)
	w.check(ts, neg, "rdmad")
}

// cmdRdmadStart starts an rdmad on a free port of loopback and sets $ADDR and
// $PORT, and $METRICS if it has such an address.
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
	if m := regexp.MustCompile(`"msg":"metrics","address":"([^"]*)"`).FindStringSubmatch(of(ts).daemon.log.String()); m != nil {
		ts.Setenv("METRICS", m[1])
	}
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

// cmdIsLink checks where a symbolic link leads; - is for no link at all.
func cmdIsLink(ts *testscript.TestScript, _ bool, args []string) {
	got, err := os.Readlink(ts.MkAbs(args[1]))
	if err != nil {
		got = "-"
	}
	if got != args[0] {
		ts.Fatalf("%s leads to %q, want %q", args[1], got, args[0])
	}
}

// cmdSame checks that two trees hold the same: names, kinds, modes, times, links
// and bytes.
func cmdSame(ts *testscript.TestScript, neg bool, args []string) {
	a, b := picture(ts, args[0]), picture(ts, args[1])
	switch {
	case neg && a == b:
		ts.Fatalf("%s and %s are the same:\n%s", args[0], args[1], a)
	case !neg && a != b:
		ts.Fatalf("%s:\n%s\n%s:\n%s", args[0], a, args[1], b)
	}
}

// picture is all of a tree in words.
func picture(ts *testscript.TestScript, dir string) string {
	var b strings.Builder
	root := ts.MkAbs(dir)
	ts.Check(filepath.WalkDir(root, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(name)
		if err != nil {
			return err
		}
		below, _ := filepath.Rel(root, name)
		_, _ = fmt.Fprintf(&b, "%q %v", below, info.Mode())
		switch {
		case info.Mode().IsRegular():
			content, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(&b, " %v %x", info.ModTime().UTC(), sha256.Sum256(content))
		case info.Mode()&fs.ModeSymlink != 0:
			to, _ := os.Readlink(name)
			_, _ = fmt.Fprintf(&b, " -> %q", to)
		case info.IsDir():
			_, _ = fmt.Fprintf(&b, " %v", info.ModTime().UTC())
		}
		_ = b.WriteByte('\n')
		return nil
	}))
	return b.String()
}

// cmdFlip changes one bit of a file and leaves its time alone.
func cmdFlip(ts *testscript.TestScript, _ bool, args []string) {
	name := ts.MkAbs(args[0])
	info, err := os.Stat(name)
	ts.Check(err)
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	b, err := os.ReadFile(name)
	ts.Check(err)
	b[at] ^= 1
	ts.Check(os.WriteFile(name, b, 0o644))
	ts.Check(os.Chtimes(name, info.ModTime(), info.ModTime()))
}

// cmdMany makes so many small files in a directory.
func cmdMany(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.MkdirAll(ts.MkAbs(args[0]), 0o755))
	for i := range n {
		name := filepath.Join(ts.MkAbs(args[0]), fmt.Sprintf("f%04d", i))
		ts.Check(os.WriteFile(name, fmt.Appendf(nil, "file %d\n", i), 0o644))
	}
}

// cmdOneFile checks that two names are of the same file.
func cmdOneFile(ts *testscript.TestScript, neg bool, args []string) {
	if os.SameFile(stat(ts, args[0]), stat(ts, args[1])) == neg {
		ts.Fatalf("same file: %v", !neg)
	}
}

// cmdLink makes a hard link.
func cmdLink(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.Link(ts.MkAbs(args[0]), ts.MkAbs(args[1])))
}

// cmdInput gives the next rdmacp a file as its standard input.
func cmdInput(ts *testscript.TestScript, _ bool, args []string) {
	b, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	of(ts).stdin = b
}

// cmdLines checks how many lines stdout, stderr or a file has.
func cmdLines(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	if got := strconv.Itoa(strings.Count(text, "\n")); got != args[1] {
		ts.Fatalf("%s has %s lines, want %s:\n%s", args[0], got, args[1], text)
	}
}

// cmdObstruct puts a directory in the place of each file of a directory.
func cmdObstruct(ts *testscript.TestScript, _ bool, args []string) {
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	for _, e := range entries {
		name := filepath.Join(ts.MkAbs(args[0]), e.Name())
		ts.Check(os.Remove(name))
		ts.Check(os.Mkdir(name, 0o755))
	}
}

// cmdOddities makes files of names that programs stumble over.
func cmdOddities(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	deep := filepath.Join(dir, strings.Repeat("d/", 100))
	ts.Check(os.MkdirAll(deep, 0o755))
	for _, name := range []string{
		"new\nline", "esc\x1b[31m", "bytes\xff\xfe", `quote'"`, `back\slash`, " space ", "-rf", "*", "a:b", "ends\r", "~",
		strings.Repeat("l", 255), "d/" + strings.Repeat("d/", 99) + "leaf", "...", "\u202eright",
	} {
		ts.Check(os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644))
	}
}
