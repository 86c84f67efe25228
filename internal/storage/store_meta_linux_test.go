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
	"time"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/testenv"
	"github.com/rdmacp/rdmacp/internal/tree"
)

func TestModes(t *testing.T) {
	t.Parallel()
	for _, perms := range []bool{true, false} {
		dir := t.TempDir()
		t.Cleanup(func() { opened(dir) })
		write(t, filepath.Join(dir, "there"), oldText)
		chmodTo(t, filepath.Join(dir, "there"), 0o604|fs.ModeSetuid)
		mkdir(t, dir, "dthere")
		chmodTo(t, filepath.Join(dir, "dthere"), 0o711)
		var ts trees
		for name, mode := range map[string]fs.FileMode{
			"none": 0, "read": 0o444, "all": 0o777, "suid": 0o755 | fs.ModeSetuid, "sgid": 0o755 | fs.ModeSetgid, "there": 0o666,
		} {
			ts.file(name, newText).Meta.Mode = mode
		}
		for name, mode := range map[string]fs.FileMode{
			"dnone": 0, "dread": 0o500, "dsticky": 0o777 | fs.ModeSticky, "dsgid": 0o770 | fs.ModeSetgid, "dthere": 0o755,
		} {
			ts.dir(name).Meta.Mode = mode
			ts.file(name+"/f", newText)
			ts.dir(name + "/d").Meta.Mode = mode
			ts.file(name+"/d/f", newText)
		}
		o := archive()
		o.Perms = perms
		out := ts.landAt(t, dir, tree.Into, o)
		noFault(t, out)
		for _, th := range ts.things {
			if th.Name == "f" || th.Name == "d" {
				continue
			}
			want := th.Meta.Mode
			switch {
			case perms:
			case th.Name == "there":
				want = 0o604 // setuid goes, as when somebody writes to it
			case th.Name == "dthere":
				want = 0o711
			default:
				want = want.Perm() &^ umask()
			}
			if th.Kind == tree.Dir {
				want |= fs.ModeDir
			}
			wantMode(t, filepath.Join(dir, th.Name), want)
			if want&0o100 != 0 && th.Kind == tree.Dir && th.Name != "dthere" {
				wantMode(t, filepath.Join(dir, th.Name, "d"), want)
			}
		}
		// And once more, with all of it there.
		var before string
		if os.Geteuid() == 0 { // others cannot look into all of it
			before = listing(t, dir)
		}
		noFault(t, ts.landAt(t, dir, tree.Into, o))
		if before == "" {
			continue
		}
		if after := listing(t, dir); modesOf(before) != modesOf(after) {
			t.Errorf("%s became %s", before, after)
		}
	}
}

// opened gives the owner access to all directories again, so that they can be
// removed.
func opened(dir string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
}

// modesOf leaves the times out of a listing.
func modesOf(listing string) string {
	var modes strings.Builder
	for line := range strings.SplitSeq(listing, "\n") {
		name, rest, _ := strings.Cut(line, " ")
		mode, _, _ := strings.Cut(rest, " ")
		modes.WriteString(name + " " + mode + "\n")
	}
	return modes.String()
}

// All that has to do with permissions is another thing for a user than for root.
// This runs those tests once more, as a user.
func TestAsUser(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir, err := os.MkdirTemp("", "rdmacp-user") //nolint:usetesting // above that of the test, nobody else is let in
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "test")
	if err := os.WriteFile(copied, read(t, exe), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chown(dir, nobody, nobody), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), copied, "-test.run=^(TestModes|TestTimes|TestLandTree|TestResume.*|TestDelta|TestSceneSteps|TestCompare)$")
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// As a user, directories that keep their owner out are filled nevertheless.
func TestModesAsUser(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := t.TempDir()
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	base := openDir(t, dir)
	var ts trees
	ts.dir("d").Meta.Mode = 0o500
	ts.dir("d/e").Meta.Mode = 0
	ts.file("d/e/f", newText).Meta.Mode = 0
	for round := range 3 {
		if round == 2 {
			ts.file("d/e/g", newText)
		}
		asNobody(t, func() {
			s, err := base.Land(".", tree.Into, false, archive())
			if err != nil {
				t.Error(err)
				return
			}
			defer closeStore(t, s)
			out := ts.send(t.Context(), s)
			if round == 0 {
				noFault(t, out)
			}
		})
		wantMode(t, filepath.Join(dir, "d"), 0o500|fs.ModeDir)
		wantMode(t, filepath.Join(dir, "d", "e"), 0|fs.ModeDir)
		wantMode(t, filepath.Join(dir, "d", "e", "f"), 0)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var ts trees
	times := map[string]time.Time{
		"past": time.Date(1938, 1, 2, 3, 4, 5, 678901234, time.UTC), "epoch": time.Unix(0, 0), "before": time.Unix(-1, 5),
		"future": time.Date(2190, 1, 2, 3, 4, 5, 999999999, time.UTC),
	}
	for name, at := range times {
		ts.file(name, newText).Meta.ModTime = at
		ts.dir("d" + name).Meta.ModTime = at
		ts.file("d"+name+"/f", newText)
		ts.symlink("l"+name, "x").Meta.ModTime = at
	}
	noFault(t, ts.landAt(t, dir, tree.Into, archive()))
	for name, at := range times {
		for _, prefix := range []string{"", "d", "l"} {
			info, err := os.Lstat(filepath.Join(dir, prefix+name))
			if err != nil || !info.ModTime().Equal(at) {
				t.Errorf("%s%s: %v, %v", prefix, name, info.ModTime(), err)
			}
		}
	}
	again := ts.landAt(t, dir, tree.Into, archive())
	noFault(t, again)
	if again.sent != 0 {
		t.Errorf("%d bytes were sent again", again.sent)
	}
	o := archive()
	o.Times = false
	began := time.Now().Add(-time.Minute)
	noFault(t, ts.landAt(t, mkdir(t, dir, "now"), tree.Into, o))
	for name := range times {
		info, err := os.Lstat(filepath.Join(dir, "now", name))
		if err != nil || info.ModTime().Before(began) {
			t.Errorf("%s: %v, %v", name, info.ModTime(), err)
		}
	}
}

func TestOwners(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := t.TempDir()
	var ts trees
	owner := func(uid uint32, user string) *tree.Owner {
		return &tree.Owner{UID: uid, GID: uid, User: user, Group: ""}
	}
	ts.file("number", newText).Meta.Owner = owner(1234, "")
	ts.file("name", newText).Meta.Owner = owner(4321, "nobody")
	ts.file("again", newText).Meta.Owner = owner(4321, "") // its name was sent
	ts.file("unknown", newText).Meta.Owner = owner(77, "no such user")
	ts.file("root", newText).Meta.Owner = owner(0, "nobody")
	suid := ts.file("suid", newText)
	suid.Meta.Owner, suid.Meta.Mode = owner(1234, ""), 0o4755&0o777|fs.ModeSetuid
	ts.dir("d").Meta.Owner = owner(1234, "")
	ts.symlink("l", "x").Meta.Owner = owner(1234, "")
	want := map[string]uint32{"number": 1234, "name": nobody, "again": nobody, "unknown": 77, "root": 0, "suid": 1234, "d": 1234, "l": 1234}
	o := archive()
	o.Owner = true
	check := func() {
		for name, uid := range want {
			info, err := os.Lstat(filepath.Join(dir, name))
			if err != nil {
				t.Error(err)
				continue
			}
			if st := statusOf(info); st.uid != uid || st.gid != 0 {
				t.Errorf("%s belongs to %d:%d, want %d:0", name, st.uid, st.gid, uid)
			}
		}
		wantMode(t, filepath.Join(dir, "suid"), 0o755|fs.ModeSetuid)
	}
	noFault(t, ts.landAt(t, dir, tree.Into, o))
	check()
	// Owners alone are put right without the bytes.
	for name := range want {
		if err := os.Lchown(filepath.Join(dir, name), 5, 0); err != nil {
			t.Fatal(err)
		}
	}
	out := ts.landAt(t, dir, tree.Into, o)
	noFault(t, out)
	if out.sent != 0 || out.verdicts["number"].Change != tree.Owners {
		t.Errorf("%d sent, %+v", out.sent, out.verdicts["number"])
	}
	check()
}

// Where the destination says who gets all that is made, the source has no say in it, and nothing
// gets the rights of that owner's.
func TestOwnerGiven(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := t.TempDir()
	var ts trees
	ts.file("small", newText)
	ts.file("large", strings.Repeat("0123456789abcdef", 1<<20)).Meta.Owner = &tree.Owner{UID: 7, GID: 7}
	ts.file("suid", newText).Meta.Mode = 0o755 | fs.ModeSetuid | fs.ModeSetgid
	ts.dir("d")
	ts.symlink("l", "x")
	o := archive()
	o.Owner, o.Group, o.As = true, true, &tree.Owner{UID: 1234, GID: 4321}
	for range 2 { // the second finds nothing to do
		noFault(t, ts.landAt(t, dir, tree.Into, o))
		for _, name := range []string{"small", "large", "suid", "d", "l"} {
			info, err := os.Lstat(filepath.Join(dir, name))
			if err != nil {
				t.Error(err)
				continue
			}
			if st := statusOf(info); st.uid != 1234 || st.gid != 4321 {
				t.Errorf("%s belongs to %d:%d", name, st.uid, st.gid)
			}
		}
		wantMode(t, filepath.Join(dir, "suid"), 0o755)
	}
	out := ts.landAt(t, dir, tree.Into, o)
	if noFault(t, out); out.sent != 0 || out.verdicts["suid"].Change != 0 {
		t.Errorf("%d sent, %+v", out.sent, out.verdicts["suid"])
	}
}

// Who may not give a file away keeps it, without the rights of its owner's.
func TestOwnerNotPermitted(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := t.TempDir()
	chmodTo(t, dir, 0o777)
	base := openDir(t, dir)
	var ts trees
	th := ts.file("f", newText)
	th.Meta.Mode, th.Meta.Owner = 0o755|fs.ModeSetuid, &tree.Owner{UID: 0, GID: 0}
	asNobody(t, func() {
		o := archive()
		o.Owner, o.Group = true, true
		s, err := base.Land(".", tree.Into, false, o)
		if err != nil {
			t.Error(err)
			return
		}
		defer closeStore(t, s)
		// The process is root, but the thread may not do what root may.
		s.seam = func(st step, call func() error) error {
			if st == stepOwner {
				return unix.EPERM
			}
			return call()
		}
		noFault(t, ts.send(t.Context(), s))
	})
	wantMode(t, filepath.Join(dir, "f"), 0o755)
	wantText(t, filepath.Join(dir, "f"), newText)
}

func TestXattrs(t *testing.T) {
	t.Parallel()
	needRoot(t) // a user cannot set those of a file that is not to be written to
	dir := t.TempDir()
	if err := unix.Setxattr(dir, "user.probe", []byte("x"), 0); err != nil {
		testenv.Missing(t, "extended attributes: %v", err)
	}
	var ts trees
	attrs := []tree.Xattr{{Name: "user.a", Value: []byte("1")}, {Name: "user.empty"}, {Name: "system.evil", Value: []byte("x")}}
	ts.file("f", newText).Meta.Xattrs = attrs
	ts.file("r", newText).Meta.Xattrs = attrs
	ts.things[1].Meta.Mode = 0o400
	ts.dir("d").Meta.Xattrs = attrs
	o := archive()
	o.Xattrs = true
	get := func(name string) string {
		b, err := sized(func(b []byte) (int, error) { return unix.Listxattr(filepath.Join(dir, name), b) })
		if err != nil {
			t.Error(err)
		}
		return strings.ReplaceAll(string(b), "\x00", " ")
	}
	noFault(t, ts.landAt(t, dir, tree.Into, o))
	for _, name := range []string{"f", "r", "d"} {
		if got := get(name); got != "user.a user.empty " {
			t.Errorf("%s has %q", name, got)
		}
		path := filepath.Join(dir, name)
		if err := unix.Setxattr(path, "user.a", []byte("2"), 0); err != nil {
			t.Fatal(err)
		}
		if err := unix.Setxattr(path, "user.extra", []byte("2"), 0); err != nil {
			t.Fatal(err)
		}
	}
	out := ts.landAt(t, dir, tree.Into, o)
	noFault(t, out)
	if v := out.verdicts["f"]; v.Answer != tree.Done || v.Change != tree.Attrs || out.sent != 0 {
		t.Errorf("%+v", v)
	}
	for _, name := range []string{"f", "r", "d"} {
		if got := get(name); got != "user.a user.empty " {
			t.Errorf("%s has %q", name, got)
		}
	}
	// What cannot be set is told, and keeps nothing from being copied.
	ts = trees{}
	ts.file("big", newText).Meta.Xattrs = []tree.Xattr{{Name: "user.big", Value: make([]byte, 1<<20)}}
	out = ts.landAt(t, dir, tree.Into, o)
	wantText(t, filepath.Join(dir, "big"), newText)
	if len(out.problems) != 1 || out.problems[0].Path != "big" {
		t.Fatalf("problems: %v", out.problems)
	}
	if f, ok := fault.As(out.problems[0].Fault); !ok || !strings.Contains(f.Error(), "setting the attributes of "+filepath.Join(dir, "big")) {
		t.Errorf("%v", out.problems[0].Fault)
	}
}
