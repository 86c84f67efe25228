package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/testenv"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// smallScene is n small files where nothing stands: in a directory that is made and
// in one that is there, with modes that the umask strips and that need a call of
// their own. No name comes twice.
func smallScene(n int) *trees {
	ts := &trees{}
	ts.dir("new")
	ts.dir("there")
	for i := range n {
		dir := [...]string{"new", "there"}[i%2]
		th := ts.file(fmt.Sprintf("%s/f%d", dir, i), newText)
		switch i % 4 {
		case 1:
			th.Meta.Mode = 0o666
		case 2:
			th.Meta.Mode |= os.ModeSetuid
		}
	}
	return ts
}

func playSmall(ctx context.Context, dir string, n int, sm seam) (*outcome, error) {
	o := archive()
	o.Owner, o.Group, o.Digest = true, true, tree.BLAKE3
	s, err := Land(dir, tree.Into, false, o)
	if err != nil {
		return nil, err
	}
	s.seam = sm
	out := smallScene(n).send(ctx, s)
	return out, s.Close()
}

// smallSteps returns the steps of a copy that goes well.
func smallSteps(t *testing.T, n int) []step {
	t.Helper()
	dir := t.TempDir()
	mkdir(t, dir, "there")
	var all []step
	out, err := playSmall(t.Context(), dir, n, func(s step, call func() error) error {
		all = append(all, s)
		return hurried(s, call)
	})
	if err != nil || out.failed() != nil {
		t.Fatal(err, out.failed())
	}
	wantSmall(t, "all went well", dir, n, out)
	return all
}

// needUnnamed skips a test where files have a name from the start.
func needUnnamed(t *testing.T) {
	t.Helper()
	d, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if takes, _ := takesUnnamed(d); !takes || !tellsOfFailures(d) {
		testenv.Missing(t, "a file system that takes files without a name")
	}
}

// wantSmall checks that each name shows the whole file or nothing, and the file
// where the copy has said so; and that there is nothing else.
func wantSmall(t *testing.T, at, dir string, n int, out *outcome) {
	t.Helper()
	want := map[string]string{}
	for i := range n {
		name := fmt.Sprintf("f%d", i)
		path := filepath.Join([...]string{"new", "there"}[i%2], name)
		_, err := os.Lstat(filepath.Join(dir, path))
		if err == nil {
			want[path] = newText
		} else if out != nil {
			if err, committed := out.errs[name]; committed && err == nil {
				t.Errorf("%s: %s is not there, though that was said", at, path)
			}
		}
	}
	for _, d := range []string{"new", "there"} {
		if _, err := os.Lstat(filepath.Join(dir, d)); err == nil {
			want[d+"/"] = ""
		}
	}
	wantTree(t, dir, want)
}

// The bytes are on stable storage before a file gets its name, and the name before
// the copy is said to be done. Nothing is locked, looked at or removed.
func TestSmallSteps(t *testing.T) {
	t.Parallel()
	needUnnamed(t)
	file := []step{stepOpen, stepWrite, stepWrite, stepWrite, stepWrite}
	want := slices.Concat([]step{stepMkdir}, file, file, []step{
		stepTimes, stepChmod, stepTimes, // the owner is not known
		stepSync, stepSync, stepLink, stepLink,
		stepSync, stepSync, stepSyncDir, stepSyncDir, stepSyncDir,
	})
	got := smallSteps(t, 2)
	// Behind these, Finish sets the modes and times of the directories.
	if diff := cmp.Diff(want, got[:min(len(got), len(want))]); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if all := smallSteps(t, many); !slices.Contains(all, stepSyncFS) && !slices.Contains(all, stepSync) {
		t.Errorf("many are not synced: %v", all)
	}
}

// Fail the first call, the second, and so on: of few files, which are synced one by
// one, and of many.
func TestSmallFailures(t *testing.T) {
	t.Parallel()
	for _, f := range failings {
		for _, n := range []int{2, many} {
			t.Run(fmt.Sprint(f.name, "/", n), func(t *testing.T) {
				t.Parallel()
				for _, call := range calls(append(smallSteps(t, n), "end")) {
					failSmall(t, f, n, call)
					if t.Failed() {
						return
					}
				}
			})
		}
	}
}

func failSmall(t *testing.T, f failing, n, call int) {
	t.Helper()
	dir := t.TempDir()
	mkdir(t, dir, "there")
	var failed step
	out, err := playSmall(t.Context(), dir, n, f.seam(call, &failed))
	at := fmt.Sprintf("call %d, %s", call, failed)
	if err != nil {
		t.Errorf("%s: closing: %v", at, err)
	}
	wantSmall(t, at, dir, n, out)
	trouble := out.failed()
	if trouble == nil && failed != "" && failed != stepOwner {
		t.Errorf("%s: the failure was swallowed", at)
	}
	if _, ok := fault.As(trouble); trouble != nil && !ok {
		t.Errorf("%s: %v is no fault", at, trouble)
	}
	if again, err := playSmall(t.Context(), dir, n, hurried); err != nil || again.failed() != nil {
		t.Errorf("%s: the next copy: %v, %v", at, err, again.failed())
	}
	wantAllSmall(t, dir, n)
	if t.Failed() {
		t.Logf("%s: %v", at, trouble)
	}
}

// wantAllSmall checks that the scene is there, with the modes that it shall have.
func wantAllSmall(t *testing.T, dir string, n int) {
	t.Helper()
	want := map[string]string{"there/": "", "new/": ""}
	for _, th := range smallScene(n).things {
		if th.Kind != tree.File {
			continue
		}
		path := "new/" + th.Name
		if th.Parent == 2 {
			path = "there/" + th.Name
		}
		want[path] = newText
		// Owners were asked for, but none was sent: nobody else's setuid is kept.
		wantMode(t, filepath.Join(dir, path), th.Meta.Mode.Perm())
	}
	wantTree(t, dir, want)
}

// A process that is killed ahead of any step leaves whole files and nothing else.
func TestSmallKilled(t *testing.T) {
	t.Parallel()
	needUnnamed(t)
	all := append(smallSteps(t, many), "end")
	for _, n := range calls(all) {
		t.Run(fmt.Sprint(n, " ", all[n-1]), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			mkdir(t, dir, "there")
			v := startErrand(t, errandSmall, dir, n)
			if v.step != all[n-1] {
				t.Errorf("it stopped at %q", v.step)
			}
			v.kill(t)
			wantSmall(t, "killed at "+string(all[n-1]), dir, many, nil)
			if again, err := playSmall(t.Context(), dir, many, hurried); err != nil || again.failed() != nil {
				t.Errorf("the next copy: %v, %v", err, again.failed())
			}
			wantAllSmall(t, dir, many)
		})
	}
}

// Cancelled at any step, nothing is left that is not whole.
func TestSmallCancelled(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		dir := t.TempDir()
		mkdir(t, dir, "there")
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		out, err := playSmall(ctx, dir, many, func(s step, call func() error) error {
			if calls++; calls == n {
				cancel()
			}
			return hurried(s, call)
		})
		ended := ctx.Err() != nil
		cancel()
		if err != nil {
			t.Errorf("%d: %v", n, err)
		}
		wantSmall(t, fmt.Sprint("cancelled at ", n), dir, many, out)
		if !ended || t.Failed() {
			return
		}
	}
}

// smallStore is a Store in whose directory, made by it or not, "d/f" is to land.
func smallStore(t *testing.T, dir string, fresh bool, o tree.LandOptions) (*Store, tree.Entry) {
	t.Helper()
	if !fresh {
		mkdir(t, dir, "d")
	}
	s, err := Land(dir, tree.Into, false, o)
	if err != nil {
		t.Fatal(err)
	}
	var ts trees
	d := ts.dir("d").Entry
	if v := s.Add(t.Context(), d); v.Fault != nil {
		t.Fatal(v.Fault)
	}
	return s, ts.file("d/f", newText).Entry
}

// landSmall lands one file, and returns what became of it. Meanwhile is called
// just before the file gets its name.
func landSmall(t *testing.T, s *Store, e tree.Entry, meanwhile func()) error {
	t.Helper()
	v := s.Add(t.Context(), e)
	if v.Answer != tree.Want {
		t.Fatalf("%+v", v)
	}
	l, err := s.Open(e, v)
	if err != nil {
		if l != nil {
			t.Errorf("there is a Landing beside %v", err) // who closes it would find nothing there
		}
		return err
	}
	if _, ok := l.(*unnamed); !ok {
		t.Errorf("it has a name: %T", l)
	}
	th := thing{e, newText}
	var sent int64
	if err := th.send(l, v, &sent); err != nil {
		t.Fatal(err)
	}
	if s.opts.Digest != tree.NoDigest {
		whole, err := s.opts.Digest.Of(strings.NewReader(newText), e.Meta.Size)
		if err != nil {
			t.Fatal(err)
		}
		l.Sealed(tree.Seal{ID: e.ID, Size: e.Meta.Size, Whole: whole})
	}
	meanwhile()
	return s.Commit(t.Context(), []tree.Landing{l})[0]
}

// What has come to stand at the name since it was looked at is replaced as if it
// had stood there before, and left alone on the same terms.
func TestSmallTaken(t *testing.T) {
	t.Parallel()
	needUnnamed(t)
	ignore, update := plain(), plain()
	ignore.IgnoreExisting, update.Update = true, true
	for _, tt := range []struct {
		name  string
		fresh bool
		opts  tree.LandOptions
		plant func(path string) error
		want  string // what stands there in the end
		code  fault.Code
		why   string
	}{
		{"file", false, plain(), func(p string) error { return os.WriteFile(p, []byte(oldText), 0o600) }, newText, fault.OK, ""},
		{"link", false, plain(), func(p string) error { return os.Symlink("../out", p) }, newText, fault.OK, ""},
		{"directory", false, plain(), func(p string) error { return os.Mkdir(p, 0o755) }, "", fault.NotRegular, "there is a directory already"},
		{"ignored", false, ignore, func(p string) error { return os.WriteFile(p, []byte(oldText), 0o600) }, oldText, fault.Busy, "to be left alone"},
		{"newer", false, update, func(p string) error { return os.WriteFile(p, []byte(oldText), 0o600) }, oldText, fault.Busy, "to be left alone"},
		{"partial", false, plain(), func(p string) error {
			return errors.Join(os.WriteFile(p, nil, 0o600), os.WriteFile(filepath.Join(filepath.Dir(p), partialName("f")), []byte(long), 0o600))
		}, newText, fault.OK, ""},
		{"file in a new directory", true, plain(), func(p string) error { return os.WriteFile(p, []byte(oldText), 0o600) }, oldText, fault.Busy, "case only"},
		{"nothing", true, plain(), func(string) error { return nil }, newText, fault.OK, ""},
		{"removed", false, plain(), func(p string) error { return os.RemoveAll(filepath.Dir(p)) }, "gone", fault.NotFound, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tt.opts.Digest = tree.SHA256
			s, e := smallStore(t, dir, tt.fresh, tt.opts)
			defer closeStore(t, s)
			err := landSmall(t, s, e, func() {
				if err := tt.plant(filepath.Join(dir, "d", "f")); err != nil {
					t.Fatal(err)
				}
			})
			if tt.code == fault.OK {
				if err != nil {
					t.Error(err)
				}
			} else {
				wantFault(t, err, tt.code, tt.why)
			}
			switch tt.want {
			case "gone":
			case "":
				wantTree(t, dir, map[string]string{"d/": "", "d/f/": ""})
			default:
				wantTree(t, dir, map[string]string{"d/": "", "d/f": tt.want})
			}
		})
	}
}

// Where the system has no such files, or cannot name them, they are made as the
// larger ones, and nobody asks again.
func TestSmallUnsupported(t *testing.T) {
	t.Parallel()
	needUnnamed(t)
	for _, st := range []step{stepOpen, stepLink} {
		for _, why := range unsupported {
			dir := t.TempDir()
			if st == stepLink && errors.Is(why, syscall.EISDIR) {
				continue
			}
			failures, renames := 0, 0
			out, err := playSmall(t.Context(), dir, 20, func(s step, call func() error) error {
				if s == stepRename {
					renames++
				}
				if s == st && (s == stepLink || failures == 0) {
					failures++
					return why
				}
				return hurried(s, call)
			})
			if err != nil || out.failed() != nil {
				t.Errorf("%s: %v: %v, %v", st, why, err, out.failed())
			}
			wantAllSmall(t, dir, 20)
			if st == stepOpen && failures != 1 || renames != 20 {
				t.Errorf("%s: %v: tried %d times, renamed %d", st, why, failures, renames)
			}
		}
	}
}

// Where an fsync does nothing for a file without a name, few files get one first.
func TestSmallNotAlone(t *testing.T) {
	t.Parallel()
	needUnnamed(t)
	dir := t.TempDir()
	s, e := smallStore(t, dir, true, plain())
	defer closeStore(t, s)
	links := 0
	s.seam = func(st step, call func() error) error {
		if st == stepLink {
			links++
		}
		return call()
	}
	s.probeUnnamed.Do(func() {}) // it is btrfs, say
	if err := landSmall(t, s, e, func() {}); err != nil || links > 0 {
		t.Errorf("%v, %d links", err, links)
	}
	wantTree(t, dir, map[string]string{"d/": "", "d/f": newText})
}

// What another run has left or is at is heeded where the directory was there.
func TestSmallBesidePartial(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, e := smallStore(t, dir, false, plain())
	defer closeStore(t, s)
	partial := filepath.Join(dir, "d", partialName("f"))
	write(t, partial, long)
	other, err := os.OpenFile(partial, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock(other); err != nil {
		t.Fatal(err)
	}
	v := s.Add(t.Context(), e)
	_, err = s.Open(e, v)
	wantFault(t, err, fault.Busy, "another copy is writing it")
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := s.Open(e, v)
	if err != nil {
		t.Fatal(err)
	}
	th, sent := thing{e, newText}, int64(0)
	if err := th.send(l, v, &sent); err != nil {
		t.Error(err)
	}
	if err := s.Commit(t.Context(), []tree.Landing{l})[0]; err != nil {
		t.Error(err)
	}
	wantTree(t, dir, map[string]string{"d/": "", "d/f": newText})
}

// A file of which something is missing or wrong gets no name.
func TestSmallIncomplete(t *testing.T) {
	t.Parallel()
	needUnnamed(t)
	all := tree.Range{Off: 0, Len: int64(len(newText))}
	seal := tree.Seal{ID: 2, Size: all.Len}
	for _, tt := range []struct {
		name string
		do   func(l tree.Landing)
		code fault.Code
		why  string
	}{
		{"no seal", func(l tree.Landing) { l.Landed(all, [16]byte{}) }, fault.Internal, "not through"},
		{"a hole", func(l tree.Landing) {
			l.Landed(tree.Range{Off: 0, Len: 5}, [16]byte{})
			l.Landed(tree.Range{Off: 6, Len: all.Len - 6}, [16]byte{})
			l.Sealed(seal)
		}, fault.Internal, "1 bytes of it have not landed, the first at 5"},
		{"kept", func(l tree.Landing) { l.Keep(all); l.Landed(all, [16]byte{}); l.Sealed(seal) }, fault.IO, "nobody has looked"},
		{"grown", func(l tree.Landing) { l.Landed(all, [16]byte{}); l.Sealed(tree.Seal{Size: all.Len + 1}) }, fault.SourceChanged, "its size"},
		{"changed", func(l tree.Landing) {
			l.Landed(all, [16]byte{})
			l.Sealed(tree.Seal{Fault: changedFault("x", errors.New("y"))})
		}, fault.SourceChanged, ""},
		{"digest", func(l tree.Landing) {
			l.Landed(all, [16]byte{})
			l.Sealed(tree.Seal{Size: all.Len, Whole: []byte("wrong")})
		}, fault.Integrity, "at the source"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			o := plain()
			o.Digest = tree.BLAKE3
			s, e := smallStore(t, dir, true, o)
			defer closeStore(t, s)
			l, err := s.Open(e, s.Add(t.Context(), e))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // as when the first digest was wrong
				if _, err := l.WriteAt([]byte(newText), 0); err != nil {
					t.Error(err)
				}
			}
			_, err = l.WriteAt([]byte("x"), all.Len)
			wantFault(t, err, fault.Internal, "beyond the size")
			tt.do(l)
			wantFault(t, s.Commit(t.Context(), []tree.Landing{l})[0], tt.code, tt.why)
			_, err = l.WriteAt([]byte("x"), 0)
			wantFault(t, err, fault.Internal)
			wantFault(t, s.Commit(t.Context(), []tree.Landing{l})[0], fault.Internal)
			wantTree(t, dir, map[string]string{"d/": ""})
		})
	}
}

// Closed, or left to the Store to be closed, nothing remains.
func TestSmallClosed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, e := smallStore(t, dir, true, plain())
	var open []tree.Landing
	for i := range 5 {
		e.ID, e.Name = int64(i+2), fmt.Sprint("f", i)
		l, err := s.Open(e, s.Add(t.Context(), e))
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, l)
	}
	for _, i := range []int{1, 0, 4, 4} {
		if err := open[i].Close(i == 0); err != nil {
			t.Error(err)
		}
	}
	closeStore(t, s)
	_, err := s.Open(e, tree.Verdict{Answer: tree.Want, Change: tree.New})
	wantFault(t, err, fault.Internal)
	wantTree(t, dir, map[string]string{"d/": ""})
}

// Two copies of the same files at once: each name shows a whole file at all times,
// and whoever does not come through is told so.
func TestRaceSmall(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	texts := []string{strings.Repeat("a", 3*piece), strings.Repeat("b", 2*piece)}
	through, stopped := 0, map[fault.Code]int{}
	again(func(i int) {
		sub := mkdir(t, dir, fmt.Sprint("d", i))
		done := make(chan *outcome, 2)
		for _, text := range texts {
			go func() {
				var ts trees
				for n := range 10 {
					ts.file(fmt.Sprint("f", n), text)
				}
				s, err := Land(sub, tree.Into, false, plain())
				if err != nil {
					t.Error(err)
				}
				s.seam = hurried
				out := ts.send(t.Context(), s)
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				done <- out
			}()
		}
		for range 2 {
			if err := (<-done).failed(); err != nil {
				stopped[fault.CodeOf(err)]++
			} else {
				through++
			}
		}
		for _, e := range listingNamesOf(t, sub) {
			text := string(read(t, filepath.Join(sub, e.Name())))
			if !slices.Contains(texts, text) || isPartialName(e.Name()) {
				t.Errorf("%s holds %q", e.Name(), text)
			}
		}
	})
	t.Logf("%d copies came through, %v were stopped", through, stopped)
	if through == 0 || stopped[fault.Internal] > 0 {
		t.Errorf("%d came through, %v", through, stopped)
	}
}
