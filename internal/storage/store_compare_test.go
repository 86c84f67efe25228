package storage

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// What stands there, and what is asked for, decide what is sent.
func TestCompare(t *testing.T) {
	t.Parallel()
	same := newText[:len(newText)-1] + "!" // of the same size
	for _, tt := range []struct {
		name   string
		text   string
		age    time.Duration // before the source's
		opts   func(*tree.LandOptions)
		answer tree.Answer
		change tree.Change
		stays  bool
	}{
		{"quick check", same, 0, nil, tree.Done, 0, true},
		{"no quick check", same, 0, func(o *tree.LandOptions) { o.IgnoreTimes = true }, tree.Want, tree.Content, false},
		{"older", same, time.Nanosecond, nil, tree.Want, tree.Content | tree.Time, false},
		{"newer", same, -time.Second, nil, tree.Want, tree.Content | tree.Time, false},
		{"another size", oldText, 0, nil, tree.Want, tree.Content | tree.Size, false},
		{"size only", same, time.Hour, func(o *tree.LandOptions) { o.SizeOnly = true }, tree.Done, tree.Time, true},
		{"update, newer", oldText, -time.Second, func(o *tree.LandOptions) { o.Update = true }, tree.Skip, 0, true},
		{"update, older", oldText, time.Second, func(o *tree.LandOptions) { o.Update = true }, tree.Want, tree.Content | tree.Size | tree.Time, false},
		{"update, as old", oldText, 0, func(o *tree.LandOptions) { o.Update = true }, tree.Want, tree.Content | tree.Size, false},
		{"ignore existing", oldText, time.Second, func(o *tree.LandOptions) { o.IgnoreExisting = true }, tree.Skip, 0, true},
		{"checksum, differs", same, 0, func(o *tree.LandOptions) { o.Checksum = true }, tree.Want, tree.Content, false},
		{"checksum, equal", newText, time.Hour, func(o *tree.LandOptions) { o.Checksum = true }, tree.Want, tree.Content | tree.Time, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "f")
			write(t, path, tt.text)
			chtimes(t, path, stamp.Add(-tt.age))
			chmodTo(t, path, 0o640)
			o := archive()
			if tt.opts != nil {
				tt.opts(&o)
			}
			var ts trees
			ts.file("f", newText)
			for _, dry := range []bool{true, false} {
				o.DryRun = dry
				before := listing(t, dir)
				out := ts.landAt(t, dir, tree.Into, o)
				noFault(t, out)
				v := out.verdicts["f"]
				answer := tt.answer
				if dry && answer == tree.Want {
					answer = tree.Done
				}
				if v.Answer != answer || v.Change != tt.change {
					t.Errorf("dry run %v: answer %d, change %b; want %d, %b", dry, v.Answer, v.Change, answer, tt.change)
				}
				if after := listing(t, dir); dry && after != before {
					t.Errorf("the dry run has changed %s to %s", before, after)
				}
			}
			want := newText
			if tt.stays {
				want = tt.text
			}
			wantText(t, path, want)
			info, err := os.Stat(path)
			if err != nil || (tt.answer != tree.Skip && !info.ModTime().Equal(stamp)) {
				t.Errorf("time %v, %v", info.ModTime(), err)
			}
		})
	}
}

// listing tells all of a tree that a copy could change.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var all string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		st := statusOf(info)
		all += path + " " + info.Mode().String() + " " + st.modified.String() + " " + st.changed.String() + "\n"
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return all
}

func chtimes(t *testing.T, path string, at time.Time) {
	t.Helper()
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func chmodTo(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// A dry run says of all kinds what would be done, and touches nothing.
func TestDryRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mkdir(t, dir, "d", "other")
	write(t, filepath.Join(dir, "d", "a"), oldText)
	before := listing(t, dir)
	ts, _ := sampleTree()
	o := archive()
	o.DryRun, o.Delete = true, true
	for _, target := range []string{dir, filepath.Join(dir, "new")} {
		n := tree.Into
		if target != dir {
			n = tree.Contents
		}
		out := ts.landAt(t, target, n, o)
		noFault(t, out)
		for name, v := range out.verdicts {
			if v.Answer != tree.Done || v.Change == 0 {
				t.Errorf("%s: %+v", name, v)
			}
			if isNew := v.Change&tree.New != 0; isNew != (target != dir || (name != "d" && name != "a")) {
				t.Errorf("%s: change %b", name, v.Change)
			}
		}
		if target == dir && (len(out.removed) != 1 || out.removed[0] != "d/other") {
			t.Errorf("it would delete %q", out.removed)
		}
	}
	if after := listing(t, dir); after != before {
		t.Errorf("it has changed\n%s to\n%s", before, after)
	}
}

// Verify finds a single byte, a missing file, a wrong link, and touches nothing.
func TestVerify(t *testing.T) {
	t.Parallel()
	for _, spoilt := range []string{"nothing", "byte", "size", "gone", "link", "hole"} {
		t.Run(spoilt, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ts, _ := sampleTree()
			big := ts.file("d/holes", string(make([]byte, 4096))+newText+string(make([]byte, 4096)))
			big.Data = []tree.Range{{Off: 4096, Len: int64(len(newText))}}
			noFault(t, ts.landAt(t, dir, tree.Into, archive()))
			path := filepath.Join(dir, "d", "sub", "b")
			b := []byte(long)
			switch spoilt {
			case "byte":
				b[len(b)/2] ^= 1
				write(t, path, string(b))
			case "size":
				write(t, path, long+"x")
			case "gone":
				remove(t, path)
			case "link":
				remove(t, filepath.Join(dir, "d", "sub", "l"))
				symlink(t, "elsewhere", filepath.Join(dir, "d", "sub", "l"))
			case "hole":
				text := []byte(big.text)
				text[17] = 1
				write(t, filepath.Join(dir, "d", "holes"), string(text))
			}
			before := listing(t, dir)
			o := archive()
			o.Verify = true
			out := ts.landAt(t, dir, tree.Into, o)
			if after := listing(t, dir); after != before {
				t.Errorf("it has changed\n%s to\n%s", before, after)
			}
			if v := out.verdicts["a"]; v.Answer != tree.Want || !v.Compare || out.errs["a"] != nil {
				t.Errorf("a: %+v, %v", v, out.errs["a"])
			}
			switch spoilt {
			case "nothing":
				noFault(t, out)
				if v := out.verdicts["l"]; v.Change != 0 {
					t.Errorf("the link: %+v", v)
				}
			case "byte":
				wantFault(t, out.errs["b"], fault.Integrity, "content differs")
			case "hole":
				wantFault(t, out.errs["holes"], fault.Integrity, "content differs", "hole")
			case "size":
				if v := out.verdicts["b"]; v.Answer != tree.Done || v.Change&tree.Size == 0 {
					t.Errorf("%+v", v)
				}
			case "gone":
				if v := out.verdicts["b"]; v.Answer != tree.Done || v.Change != tree.New {
					t.Errorf("%+v", v)
				}
			case "link":
				if v := out.verdicts["l"]; v.Answer != tree.Done || v.Change != tree.Content {
					t.Errorf("%+v", v)
				}
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// Delta takes over what has not changed, whatever has been cut off or put on.
func TestDelta(t *testing.T) {
	t.Parallel()
	flipped := []byte(long)
	flipped[100*piece] ^= 1
	for _, tt := range []struct {
		name string
		old  string
		sent int64
	}{
		{"equal", long, 0},
		{"one byte", string(flipped), piece},
		{"shorter", long[:50*piece], int64(len(long)) - 50*piece},
		{"longer", long + long, 0},
		{"empty", "", int64(len(long))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "f")
			write(t, path, tt.old)
			before, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			o := archive()
			o.Delta, o.IgnoreTimes, o.ReadBack = true, true, true
			var ts trees
			ts.file("f", long)
			out := ts.landAt(t, dir, tree.Into, o)
			noFault(t, out)
			if out.sent != tt.sent {
				t.Errorf("%d bytes were sent, want %d", out.sent, tt.sent)
			}
			wantText(t, path, long)
			wantMode(t, path, 0o640)
			wantNames(t, dir, "f")
			after, err := os.Stat(path)
			if err != nil || !after.ModTime().Equal(stamp) {
				t.Errorf("time %v, %v", after.ModTime(), err)
			}
			if os.SameFile(before, after) != (tt.name == "equal") {
				t.Errorf("the file was replaced: %v", !os.SameFile(before, after))
			}
		})
	}
}

// The old file is written to while it is compared: nothing is made of it.
func TestDeltaOfWhatChanges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	write(t, path, long)
	o := archive()
	o.Delta, o.IgnoreTimes = true, true
	s, err := Land(dir, tree.Into, false, o)
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	var ts trees
	th := ts.file("f", long)
	v := s.Add(t.Context(), th.Entry)
	l, err := s.Open(th.Entry, v)
	if err != nil {
		t.Fatal(err)
	}
	var sent int64
	if err := th.send(l, v, &sent); err != nil || sent != 0 {
		t.Errorf("%d sent, %v", sent, err)
	}
	if err := os.WriteFile(path, []byte(oldText), 0o600); err != nil {
		t.Fatal(err)
	}
	wantFault(t, s.Commit(t.Context(), []tree.Landing{l})[0], fault.IO, "someone else has touched it")
	wantText(t, path, oldText)
	wantNames(t, dir, "f")
}
