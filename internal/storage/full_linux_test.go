package storage

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/testenv"
	"github.com/rdmacp/rdmacp/internal/tree"
)

const envMounts = "RDMACP_TEST_MOUNTS"

// TestSmallDisk runs its parts on real small file systems. Those are mounted in
// a mount namespace of its own: that of a child, which runs this very test.
func TestSmallDisk(t *testing.T) {
	if os.Getenv(envMounts) == "" {
		runWithMounts(t)
		return
	}
	t.Run("too big", testTooBig)
	t.Run("full on the way", testFullOnTheWay)
	t.Run("leftover makes room", testLeftoverMakesRoom)
	t.Run("no inodes", testNoInodes)
	t.Run("no limit", testNoLimit)
	t.Run("read-only", testReadOnly)
	t.Run("a tree", testTreeTooBig)
	t.Run("other file system", testOtherFileSystem)
}

func runWithMounts(t *testing.T) {
	t.Helper()
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestSmallDisk$", "-test.v")
	cmd.Env = append(os.Environ(), envMounts+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, fs.ErrPermission):
		testenv.Missing(t, "root, for a mount namespace")
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	case strings.Contains(string(out), "--- SKIP"):
		testenv.Missing(t, "what the child lacks: %s", out)
	default:
		t.Logf("%s", out)
	}
}

// tmpfs mounts a file system that holds 1 MiB, or what the options say.
func tmpfs(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, options); err != nil {
		testenv.Missing(t, "a tmpfs of its own: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// Before a byte moves, what does not fit is refused in words that say by how
// much.
func testTooBig(t *testing.T) {
	dir := tmpfs(t, "size=1m")
	path := filepath.Join(dir, "f")
	write(t, path, oldText)
	_, err := Create(path, Meta{Size: 3 << 20})
	wantFault(t, err, fault.NoSpace, "creating "+path, "it needs 3.0 MiB, 1020 KiB are free", "free some space")
	_, err = Create(path, Meta{Size: 30 << 20, Allocated: 2 << 20})
	wantFault(t, err, fault.NoSpace, "it needs 2.0 MiB")
	wantText(t, path, oldText)
	wantNames(t, dir, "f")
	if v := tried(t, dir); v.Untried != "too little is free" || v.Free >= 1<<20 {
		t.Errorf("what doctor is told: %+v", v)
	}
}

// A file with holes may start, since they may fit. When the disk is full after
// all, the last write is a short one, and no Commit.
func testFullOnTheWay(t *testing.T) {
	dir := tmpfs(t, "size=1m")
	path := filepath.Join(dir, "f")
	write(t, path, oldText)
	s, err := Create(path, Meta{Size: 3 << 20, Allocated: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	chunk := []byte(strings.Repeat("x", 300<<10))
	for off := int64(0); err == nil && off+int64(len(chunk)) <= 3<<20; off += int64(len(chunk)) {
		_, err = s.WriteAt(chunk, off)
	}
	wantFault(t, err, fault.NoSpace, "writing "+path, "no space left on device")
	if free, known, err := freeSpace(s.file); free != 0 || !known || err != nil {
		t.Errorf("the last write was not a short one: %d bytes are free (%v, %v)", free, known, err)
	}
	wantFault(t, s.Commit(t.Context()), fault.NoSpace, "writing "+path)
	wantText(t, path, oldText)
	wantNames(t, dir, "f")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := copyTo(t.Context(), path, nil); err != nil {
		t.Error("the room is not free again: ", err)
	}
}

// What a killed run left does not stand in the way of the next.
func testLeftoverMakesRoom(t *testing.T) {
	dir := tmpfs(t, "size=1m")
	path := filepath.Join(dir, "f")
	write(t, filepath.Join(dir, partialName("f")), strings.Repeat("x", 900<<10))
	s, err := Create(path, Meta{Size: 900 << 10, Mode: 0o600})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("y", 900<<10)
	if _, err := s.WriteAt([]byte(text), 0); err != nil {
		t.Error(err)
	}
	if err := s.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	wantText(t, path, text)
}

func testNoInodes(t *testing.T) {
	dir := tmpfs(t, "nr_inodes=2")
	write(t, filepath.Join(dir, "last"), oldText)
	_, err := Create(filepath.Join(dir, "f"), newMeta())
	wantFault(t, err, fault.NoSpace, "no space left on device", "df -i")
}

// A tmpfs without a limit says that it has no blocks at all.
func testNoLimit(t *testing.T) {
	dir := tmpfs(t, "size=0")
	if err := copyTo(t.Context(), filepath.Join(dir, "f"), nil); err != nil {
		t.Error(err)
	}
	wantText(t, filepath.Join(dir, "f"), newText)
}

func testReadOnly(t *testing.T) {
	dir := tmpfs(t, "size=1m")
	path := filepath.Join(dir, "f")
	write(t, path, oldText)
	if err := unix.Mount("none", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		testenv.Missing(t, "to remount: %v", err)
	}
	_, err := Create(path, newMeta())
	wantFault(t, err, fault.ReadOnly, "creating "+path, "read-only file system")
	wantText(t, path, oldText)
	if v := tried(t, dir); v.Untried != "it is read-only" || !v.ReadOnly {
		t.Errorf("what doctor is told: %+v", v)
	}
}

// Of a tree comes into place what fits, each file whole or not at all.
func testTreeTooBig(t *testing.T) {
	dir := tmpfs(t, "size=1m")
	var ts trees
	ts.dir("d")
	ts.file("d/a", strings.Repeat("a", 300<<10))
	ts.file("d/big", strings.Repeat("b", 2<<20))
	ts.file("d/holes", strings.Repeat("h", 900<<10)).Meta.Allocated = 4096 // it claims to fit
	ts.file("d/z", strings.Repeat("z", 300<<10))
	out := ts.landAt(t, dir, tree.Into, plain())
	wantFault(t, out.errs["big"], fault.NoSpace, "it needs 2.0 MiB")
	wantFault(t, out.errs["holes"], fault.NoSpace, "no space left on device")
	wantTree(t, dir, map[string]string{"d/": "", "d/a": ts.things[1].text, "d/z": ts.things[4].text})
}

// Where another file system is mounted in the destination, its files are synced
// there, links do not reach across, and nothing in it is deleted.
func testOtherFileSystem(t *testing.T) {
	dir := tmpfs(t, "size=1m")
	for _, name := range []string{"d/mounted", "gone/mounted"} {
		mkdir(t, dir, name)
		if err := unix.Mount("none", filepath.Join(dir, name), "tmpfs", 0, "size=1m"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Unmount(filepath.Join(dir, name), 0) })
		write(t, filepath.Join(dir, name, "x"), oldText)
	}
	base := &trees{}
	base.dir("d")
	base.dir("d/mounted")
	base.file("d/mounted/x", newText)
	base.file("d/f", newText)
	base.hardlink("d/mounted/link", "d/f")
	out := base.landAt(t, dir, tree.Into, plain())
	if len(out.problems) != 1 || out.problems[0].Path != "d/mounted/link" {
		t.Errorf("problems: %v", out.problems)
	}
	wantText(t, filepath.Join(dir, "d", "mounted", "x"), newText)

	o := archive()
	o.Delete = true
	contents := &trees{}
	contents.dir("").Name = ""
	out = contents.landAt(t, dir, tree.Contents, o)
	found := false
	for _, p := range out.problems {
		found = found || strings.Contains(p.Fault.Error(), "another file system is mounted there")
	}
	if !found {
		t.Errorf("problems: %v", out.problems)
	}
	wantText(t, filepath.Join(dir, "gone", "mounted", "x"), oldText)
	wantText(t, filepath.Join(dir, "d", "mounted", "x"), newText)
	wantNames(t, filepath.Join(dir, "d"), "mounted")
}
