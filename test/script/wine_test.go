package script

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rdmacp/rdmacp/internal/testenv"
)

// wine runs rdmacp.exe on this host.
type wine struct {
	loader, server string
	exe            string
	env            []string
}

// newWine builds rdmacp.exe, and finds what it is to run under. It skips the test where
// there is no Wine.
func newWine(t *testing.T) *wine {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		testenv.Missing(t, "linux/amd64, not %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	w := &wine{loader: tool("wine64"), server: tool("wineserver"), exe: filepath.Join(t.TempDir(), "rdmacp.exe")}
	if w.loader == "" || w.server == "" {
		testenv.Missing(t, "Wine: make windows-test installs it (hack/deps windows)")
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", w.exe, "github.com/rdmacp/rdmacp/cmd/rdmacp")
	build.Env = append(os.Environ(), "GOOS=windows", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	w.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LC_ALL=C.UTF-8", "WINEDEBUG=-all", "WINEDLLOVERRIDES=mscoree,mshtml="}
	w.env = append(w.env, "WINEPREFIX="+w.prefix(t))
	w.hold(t)
	return w
}

// tool finds a program of Wine's. Debian's wine64 package does not put them on the PATH.
func tool(name string) string {
	for _, at := range []string{name, filepath.Join("/usr/lib/wine", name)} {
		if path, err := exec.LookPath(at); err == nil {
			return path
		}
	}
	return ""
}

// prefix returns the folder with Wine's Windows. It takes 700 MB and many seconds to make
// one, so it is kept.
func (w *wine) prefix(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("RDMACP_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		must(t, err)
		cache = filepath.Join(user, "rdmacp")
	}
	version, err := exec.CommandContext(t.Context(), w.loader, "--version").Output()
	must(t, err)
	kept := filepath.Join(cache, strings.Fields(string(version))[0])
	if _, err := os.Stat(kept); err == nil {
		return kept
	}
	must(t, os.MkdirAll(cache, 0o755))
	made, err := os.MkdirTemp(cache, "wine-new-") //nolint:usetesting // it is to stay
	must(t, err)
	defer func() { _ = os.RemoveAll(made) }() // it has another name by then, or is of no use
	for _, args := range [][]string{{w.loader, "wineboot", "--init"}, {w.server, "--wait"}} {
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Env = append(w.env, "WINEPREFIX="+made)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	prng := filepath.Join(made, "drive_c/windows/system32/bcryptprimitives.dll")
	if _, err := os.Stat(prng); errors.Is(err, fs.ErrNotExist) {
		must(t, os.WriteFile(prng, forwarder("bcryptprimitives.dll", "ProcessPrng", "advapi32.SystemFunction036"), 0o644))
	}
	if err := os.Rename(made, kept); err != nil && !errors.Is(err, fs.ErrExist) { // another test was faster
		t.Fatal(err)
	}
	return kept
}

// hold keeps Wine's services up until the test ends, and then waits until they are gone:
// else each command starts them and ends them, which takes seconds.
func (w *wine) hold(t *testing.T) {
	t.Helper()
	idle := exec.CommandContext(context.WithoutCancel(t.Context()), w.loader, "cmd")
	idle.Env = w.env
	stdin, err := idle.StdinPipe()
	must(t, err)
	must(t, idle.Start())
	t.Cleanup(func() {
		_ = stdin.Close() // which ends it
		_ = idle.Wait()
		wait := exec.CommandContext(context.WithoutCancel(t.Context()), w.server, "--wait")
		wait.Env = w.env
		_ = wait.Run() // it fails where nothing runs
	})
}

// command is rdmacp.exe with these arguments.
func (w *wine) command(t *testing.T, args ...string) (cmd *exec.Cmd, stderr *bytes.Buffer) {
	t.Helper()
	cmd = exec.CommandContext(t.Context(), w.loader, append([]string{w.exe}, args...)...)
	cmd.Env, stderr = w.env, &bytes.Buffer{}
	cmd.Stderr = stderr
	return cmd, stderr
}

// windowsName is the name by which Windows knows a file of this host.
func windowsName(path string) string { return `Z:` + strings.ReplaceAll(path, "/", `\`) }

// forwarder is a library whose one function is another library's. Go's programs want one
// that Wine has since version 9 only, which does what another has always done.
func forwarder(library, function, to string) []byte {
	const at, align = 0x1000, 512
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			_ = binary.Write(&b, binary.LittleEndian, v) // a buffer takes all
		}
	}
	pad := func(n int) { b.Write(make([]byte, n-b.Len())) }
	b.WriteString("MZ")
	pad(60)
	put(uint32(64))
	b.WriteString("PE\x00\x00")
	put(uint16(0x8664), uint16(1), [3]uint32{}, uint16(240), uint16(0x2022)) // x86-64, one section, a DLL
	put(uint16(0x20b), uint16(1), [3]uint32{0, align, 0}, uint32(0), uint32(at))
	put(uint64(0x180000000), uint32(0x1000), uint32(align))                                    // where it wants to be, alignments
	put([6]uint16{6, 0, 0, 0, 6, 0}, [4]uint32{0, 2 * at, align, 0}, uint16(3), uint16(0x160)) // versions, sizes
	put([4]uint64{1 << 20, 1 << 12, 1 << 20, 1 << 12}, uint32(0), uint32(16))                  // stack, heap, directories
	put([2]uint32{at, 128}, [30]uint32{})                                                      // of which the first are the exports
	put([8]byte{'.', 'e', 'd', 'a', 't', 'a'}, [8]uint32{align, at, align, align, 0, 0, 0, 0x40000040})
	pad(align)
	text := at + uint32(50) // behind the directory and its three tables of one
	name := text + uint32(len(library)) + 1
	put([10]uint32{0, 0, 0, text, 1, 1, 1, at + 40, at + 44, at + 48}, name+uint32(len(function))+1, name, uint16(0))
	b.WriteString(library + "\x00" + function + "\x00" + to + "\x00")
	pad(2 * align)
	return b.Bytes()
}
