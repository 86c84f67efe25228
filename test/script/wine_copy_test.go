package script

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// windowsTest is what the tests of rdmacp.exe share.
type windowsTest struct {
	*wine
	dir  string // that the daemon exports
	port string
}

// counts is what of a copy's summary counts here.
type counts struct {
	line
	Files, Unchanged, Problems int
	Local                      struct {
		Copied uint64 `json:"copied_bytes"`
		Paged  uint64 `json:"page_cache_bytes"`
		Socket uint64 `json:"socket_bytes"`
	}
}

// rdmacp.exe copies to and from a daemon of this host, whole or not at all.
func TestWindows(t *testing.T) {
	notShort(t)
	t.Parallel()
	x := windowsTest{wine: newWine(t), dir: t.TempDir()}
	_, x.port = daemonProcess(t, x.dir, "0")
	t.Run("files", x.files)
	t.Run("tree", x.tree)
	t.Run("names", x.names)
	t.Run("links", x.links)
	t.Run("stream", x.stream)
	t.Run("cut", x.cut)
	t.Run("errors", x.errors)
}

// copy copies, and returns the summary, what stands on stderr, and the exit code.
func (x windowsTest) copy(t *testing.T, args ...string) (c counts, says string, exit int) {
	t.Helper()
	cmd, stderr := x.command(t, append([]string{"--transport=tcp", "--json", "--port=" + x.port}, args...)...)
	out, err := cmd.Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	for l := range bytes.Lines(out) {
		if bytes.Contains(l, []byte(`"type":"summary"`)) {
			must(t, json.Unmarshal(l, &c))
		}
	}
	return c, stderr.String(), cmd.ProcessState.ExitCode()
}

// must is copy that has to succeed.
func (x windowsTest) must(t *testing.T, args ...string) counts {
	t.Helper()
	c, says, exit := x.copy(t, args...)
	if exit != 0 {
		t.Fatalf("%q: exit code %d: %s", args, exit, says)
	}
	return c
}

// noise is content that no two calls with other seeds have in common.
func noise(seed byte, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

func holds(t *testing.T, path string, want []byte) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs, %v", path, err)
	}
}

// What goes out goes by TransmitFile, and no CPU copies it; what comes in replaces what is
// there, read-only or not.
func (x windowsTest) files(t *testing.T) {
	const large, rest = 3 << 20, 17 // the rest is a chunk that is too short to be worth it
	here, content, other := t.TempDir(), noise(1, large+rest), noise(2, 2<<20)
	from, back := filepath.Join(here, "großer Brocken.bin"), filepath.Join(here, "back")
	must(t, os.WriteFile(from, content, 0o644))
	c := x.must(t, windowsName(from), "127.0.0.1::data/")
	holds(t, filepath.Join(x.dir, filepath.Base(from)), content)
	if c.Local.Paged != large || c.Local.Copied != rest || c.Local.Socket != rest {
		t.Errorf("a put counts %+v", c.Local)
	}
	must(t, os.WriteFile(back, other, 0o444))
	c = x.must(t, "127.0.0.1::data/"+filepath.Base(from), windowsName(back))
	holds(t, back, content)
	if c.Local.Copied != uint64(len(content)) || c.Local.Socket != uint64(len(content)) {
		t.Errorf("a get counts %+v", c.Local)
	}
	content[1<<20] ^= 1
	must(t, os.WriteFile(filepath.Join(x.dir, filepath.Base(from)), content, 0o644))
	if c = x.must(t, "--delta", "127.0.0.1::data/"+filepath.Base(from), windowsName(back)); c.Bytes != 1<<20 {
		t.Errorf("what differs counts %+v", c)
	}
	holds(t, back, content)
	if left, _ := filepath.Glob(filepath.Join(here, ".*")); left != nil {
		t.Errorf("there is %q", left)
	}
}

// A tree comes back as it went, and is complete: nothing is sent twice.
func (x windowsTest) tree(t *testing.T) {
	here := filepath.Join(t.TempDir(), "tree")
	files := map[string][]byte{"a": noise(3, 100), "sub/b": noise(4, 70<<10), "sub/deep/c": noise(5, 9<<20), "empty": nil}
	must(t, os.MkdirAll(filepath.Join(here, "sub/deep"), 0o755))
	for name, content := range files {
		must(t, os.WriteFile(filepath.Join(here, name), content, 0o644))
	}
	for _, side := range []string{"127.0.0.1::data", windowsName(t.TempDir())} {
		from := windowsName(here)
		if side != "127.0.0.1::data" {
			from = "127.0.0.1::data/tree"
		}
		if c := x.must(t, "-a", from, side); c.Files != len(files) {
			t.Errorf("%+v", c)
		}
		if c := x.must(t, "-a", from, side); c.Unchanged != len(files) || c.Bytes != 0 {
			t.Errorf("again: %+v", c)
		}
		at := filepath.Join(x.dir, "tree")
		if side != "127.0.0.1::data" {
			at = filepath.Join(strings.ReplaceAll(strings.TrimPrefix(side, "Z:"), `\`, "/"), "tree")
		}
		for name, content := range files {
			holds(t, filepath.Join(at, name), content)
		}
		info, err := os.Stat(filepath.Join(at, "sub"))
		must(t, err)
		if info.Mode().Perm()&0o022 != 0 {
			t.Errorf("%s: everybody may write there: %v", at, info.Mode())
		}
	}
}

// What Windows cannot hold is refused for itself alone, and goes nowhere else.
func (x windowsTest) names(t *testing.T) {
	from, to := filepath.Join(x.dir, "names"), t.TempDir()
	must(t, os.MkdirAll(filepath.Join(from, "con"), 0o755))
	for _, name := range []string{"good", "a:b", "NUL", "com1.txt", "dot.", "space ", `back\slash`, "what?", "\xff", "con/in it", "Case", "case"} {
		must(t, os.WriteFile(filepath.Join(from, name), []byte(name), 0o644))
	}
	c, says, exit := x.copy(t, "-r", "127.0.0.1::data/names/", windowsName(to))
	if exit != 23 || c.Problems != 11 {
		t.Errorf("exit code %d: %+v: %s", exit, c, says)
	}
	var names []string
	entries, err := os.ReadDir(to)
	must(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, []string{"Case", "good"}) && !slices.Equal(names, []string{"case", "good"}) {
		t.Errorf("there are %q", names)
	}
	holds(t, filepath.Join(to, "good"), []byte("good"))
	holds(t, filepath.Join(to, names[0]), []byte(names[0]))
	for _, say := range []string{"NUL is a device", "it has ':' in it", "ends in '.'", "the two are one name"} {
		if !strings.Contains(says, say) {
			t.Errorf("it does not say %q: %s", say, says)
		}
	}
}

// Names that differ in case only are one, also to what --delete leaves alone.
func (x windowsTest) links(t *testing.T) {
	from, to := filepath.Join(x.dir, "case"), t.TempDir()
	must(t, os.MkdirAll(from, 0o755))
	must(t, os.WriteFile(filepath.Join(from, "one"), []byte("one"), 0o644))
	must(t, os.Link(filepath.Join(from, "one"), filepath.Join(from, "two")))
	x.must(t, "-a", "127.0.0.1::data/case/", windowsName(to))
	must(t, os.Rename(filepath.Join(to, "one"), filepath.Join(to, "ONE")))
	must(t, os.WriteFile(filepath.Join(to, "three"), nil, 0o644))
	if c := x.must(t, "-a", "--delete", "127.0.0.1::data/case/", windowsName(to)); c.Bytes != 0 {
		t.Errorf("again: %+v", c)
	}
	holds(t, filepath.Join(to, "ONE"), []byte("one"))
	holds(t, filepath.Join(to, "two"), []byte("one"))
	if _, err := os.Stat(filepath.Join(to, "three")); err == nil {
		t.Error("nothing was deleted")
	}
}

// Pipes carry bytes as they are.
func (x windowsTest) stream(t *testing.T) {
	content := append([]byte("\r\n\x1a\n"), noise(6, 1<<20)...)
	cmd, stderr := x.command(t, "--transport=tcp", "--port="+x.port, "-", "127.0.0.1::data/piped")
	cmd.Stdin = bytes.NewReader(content)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	holds(t, filepath.Join(x.dir, "piped"), content)
	cmd, stderr = x.command(t, "--transport=tcp", "--port="+x.port, "127.0.0.1::data/piped", "-")
	if got, err := cmd.Output(); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v: %s", len(got), err, stderr)
	}
}

// Whoever is killed, or told to stop, in the middle leaves no name, and the same command
// goes on behind it.
func (x windowsTest) cut(t *testing.T) {
	const size = 40 << 20
	content, here := noise(7, size), t.TempDir()
	must(t, os.WriteFile(filepath.Join(x.dir, "big"), content, 0o644))
	for name, tt := range map[string]struct {
		from, to, copied string
		end              os.Signal
		exit             int
	}{
		"get": {"127.0.0.1::data/big", windowsName(filepath.Join(here, "got")), filepath.Join(here, "got"), os.Interrupt, 20},
		"put": {windowsName(filepath.Join(x.dir, "big")), "127.0.0.1::data/put", filepath.Join(x.dir, "put"), syscall.SIGKILL, -1},
	} {
		cmd, stderr := x.command(t, "--transport=tcp", "--json", "--bwlimit=16M", "--port="+x.port, tt.from, tt.to)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		endAt(t, 24<<20, out, cmd, tt.end)
		if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != tt.exit {
			t.Errorf("%s: %v: %s", name, cmd.ProcessState, stderr)
		}
		if _, err := os.Stat(tt.copied); err == nil {
			t.Errorf("%s: there is a copy", name)
		}
		c, says, exit := x.copy(t, tt.from, tt.to)
		for exit != 0 && strings.Contains(says, "another copy is writing it") { // the daemon has not noticed yet
			c, says, exit = x.copy(t, tt.from, tt.to)
		}
		if exit != 0 {
			t.Fatalf("%s: exit code %d: %s", name, exit, says)
		}
		if c.Resumed < 1<<20 || c.Resumed+c.Bytes != size {
			t.Errorf("%s: the second run says %+v", name, c)
		}
		holds(t, tt.copied, content)
	}
}

// Each error has its exit code, and nothing is made of it.
func (x windowsTest) errors(t *testing.T) {
	here := t.TempDir()
	must(t, os.WriteFile(filepath.Join(x.dir, "f"), []byte("f"), 0o644))
	for _, tt := range []struct {
		exit int
		says string
		args []string
	}{
		{1, "all are files of this host", []string{`C:\from`, `C:\to`}},
		{1, "all are files of this host", []string{`dir\a:b`, `C:`}},
		{1, "it has ':' in it", []string{"127.0.0.1::data/f", windowsName(here) + `\a:b`}},
		{1, "con is a device", []string{"127.0.0.1::data/f", windowsName(here) + `\con.txt`}},
		{23, "File not found", []string{windowsName(here) + `\none`, "127.0.0.1::data/"}},
		{23, "no such file", []string{"127.0.0.1::data/none", windowsName(here)}},
	} {
		if _, says, exit := x.copy(t, tt.args...); exit != tt.exit || !strings.Contains(says, tt.says) {
			t.Errorf("%q: exit code %d: %s", tt.args, exit, says)
		}
	}
	if entries, err := os.ReadDir(here); err != nil || len(entries) > 0 {
		t.Errorf("there are %v, %v", entries, err)
	}
	cmd, stderr := x.command(t, "doctor")
	if out, err := cmd.Output(); err != nil || !bytes.Contains(out, []byte("copies go by TCP")) {
		t.Errorf("%v: %s%s", err, out, stderr)
	}
}
