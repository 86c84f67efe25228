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

// scene is a tree with something of each kind, and what stands at its destination
// before and after.
func scene() (ts *trees, before, after map[string]string) {
	th := resumable()
	ts = &trees{}
	ts.file("small", newText)
	ts.file("large", th.text)
	delta := ts.file("delta", th.text+newText)
	ts.dir("new")
	ts.file("new/in", newText)
	ts.dir("there")
	ts.file("there/hasnt", newText)
	ts.symlink("link", "to")
	ts.symlink("new/link", "to")
	ts.hardlink("there/hard", "small")
	before = map[string]string{
		"small": oldText, "large": oldText, "delta": delta.text[:piece] + strings.ToUpper(delta.text[piece:]),
		"there/": "", "there/hard": oldText, "there/extra": oldText, "link": "-> elsewhere",
	}
	after = map[string]string{
		"small": newText, "large": th.text, "delta": delta.text, "new/": "", "new/in": newText, "there/": "",
		"there/hasnt": newText, "there/hard": newText, "link": "-> to", "new/link": "-> to",
	}
	return ts, before, after
}

// setScene makes what stands there before, with what an interrupted copy of the
// large file has left.
func setScene(t *testing.T, dir string) {
	t.Helper()
	ts, before, _ := scene()
	for path, text := range before {
		full := filepath.Join(dir, path)
		mkdir(t, filepath.Dir(full))
		to, isLink := strings.CutPrefix(text, "-> ")
		switch {
		case strings.HasSuffix(path, "/"):
			mkdir(t, full)
		case isLink:
			symlink(t, to, full)
		default:
			write(t, full, text)
		}
	}
	large := ts.things[ts.ids["large"]-1]
	large.Name = "large"
	s := landBrisk(t, dir, sceneOptions(), hurried)
	l, err := s.Open(large.Entry, s.Add(t.Context(), large.Entry))
	if err != nil {
		t.Fatal(err)
	}
	large.land(t, l, 0, 1, 2)
	closeStore(t, s)
}

func sceneOptions() tree.LandOptions {
	o := archive()
	o.IgnoreTimes, o.Delta, o.ReadBack, o.Delete, o.Digest = true, true, true, true, tree.SHA256
	o.Owner, o.Xattrs = true, true
	return o
}

// playScene is the copy.
func playScene(ctx context.Context, dir string, sm seam) (*outcome, error) {
	s, err := Land(dir, tree.Into, false, sceneOptions())
	if err != nil {
		return nil, err
	}
	s.pace, s.seam = brisk, sm
	s.pace.bytes = 4 * piece
	ts, _, _ := scene()
	out := ts.send(ctx, s)
	return out, s.Close()
}

// wantScene checks that each path shows what stood there before or what shall
// stand there, and the latter where the copy has said so.
func wantScene(t *testing.T, at, dir string, out *outcome) {
	t.Helper()
	_, before, after := scene()
	paths := map[string]bool{}
	for path := range before {
		paths[path] = true
	}
	for path := range after {
		paths[path] = true
	}
	for path := range paths {
		full := filepath.Join(dir, path)
		text, there := "", true
		info, err := os.Lstat(full)
		switch {
		case errors.Is(err, os.ErrNotExist):
			there = false
		case err != nil:
			t.Error(err)
		case info.Mode()&os.ModeSymlink != 0:
			to, _ := os.Readlink(full)
			text = "-> " + to
		case info.Mode().IsRegular():
			text = string(read(t, full))
		}
		was, wasThere := before[path]
		shall, shallThere := after[path]
		isOld, isNew := there == wasThere && text == was, there == shallThere && text == shall
		said := false
		if out != nil {
			err, committed := out.errs[filepath.Base(path)]
			said = committed && err == nil
		}
		if !isNew && (said || !isOld) {
			t.Errorf("%s: %s: there %v, %q, said to be done %v", at, path, there, text, said)
		}
	}
}

// sceneSteps returns the steps of a copy that goes well.
func sceneSteps(t *testing.T) []step {
	t.Helper()
	dir := t.TempDir()
	setScene(t, dir)
	var all []step
	out, err := playScene(t.Context(), dir, func(s step, call func() error) error {
		all = append(all, s)
		return hurried(s, call)
	})
	if err != nil || out.failed() != nil {
		t.Fatal(err, out.failed())
	}
	_, _, after := scene()
	wantTree(t, dir, after)
	return all
}

// The scene takes all the steps that there are, but for those of rare cases.
func TestSceneSteps(t *testing.T) {
	t.Parallel()
	all := sceneSteps(t)
	// Data is synced, then read back, then dressed and synced again, then put into
	// place; the directory's name is synced before it is said to be done.
	order := []step{stepSync, stepReadBack, stepChmod, stepTimes, stepSync, stepVerify, stepRename, stepSyncDir, stepMake, stepPutMade, stepDelete}
	for _, s := range all {
		if len(order) > 0 && s == order[0] {
			order = order[1:]
		}
	}
	if len(order) > 0 {
		t.Errorf("%v come too late or not at all in %v", order, all)
	}
	for _, s := range []step{
		stepOpen, stepLock, stepIdentify, stepResize, stepWrite, stepMkdir, stepXattrs, stepFill,
		stepJournalMake, stepJournalRead, stepJournalSync, stepJournalAppend, stepJournalRemove,
	} {
		if !slices.Contains(all, s) {
			t.Errorf("there is no step %s", s)
		}
	}
}

// harmless steps are those whose failure keeps nothing from being copied: either
// the step was for the next run only, or something else will tell.
var harmlessSteps = []step{stepSpace, stepPreallocate, stepJournalMake, stepJournalRead, stepJournalAppend, stepJournalKeep, stepXattrs, stepPunch}

// calls returns the numbers of those calls that are worth a test: of steps that are
// taken again and again, the first few.
func calls(all []step) []int {
	seen := map[step]int{}
	var ns []int
	for i, s := range all {
		seen[s]++
		switch s { //nolint:exhaustive // each of the others has something of its own
		case stepWrite, stepReadBack, stepFill, stepJournalSync, stepJournalAppend, stepJournalKeep, stepJournalRead:
			if seen[s] > 2 {
				continue
			}
		}
		ns = append(ns, i+1)
	}
	return ns
}

// Fail the first call, the second, and so on.
func TestStoreFailures(t *testing.T) {
	t.Parallel()
	ns := calls(sceneSteps(t))
	for _, f := range failings {
		if f.code == fault.NoSpace && f.after || f.code == fault.ReadOnly {
			continue // for a Store they are as the others
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for _, n := range ns {
				if ranThrough := failScene(t, f, n); ranThrough {
					break
				}
			}
		})
	}
}

func failScene(t *testing.T, f failing, n int) bool {
	t.Helper()
	dir := t.TempDir()
	setScene(t, dir)
	var failed step
	out, err := playScene(t.Context(), dir, f.seam(n, &failed))
	at := fmt.Sprintf("call %d, %s", n, failed)
	if err != nil && !f.ever {
		t.Errorf("%s: closing: %v", at, err)
	}
	wantScene(t, at, dir, out)
	if trouble := out.failed(); trouble == nil && failed != "" && !slices.Contains(harmlessSteps, failed) && failed != stepJournalRemove && failed != stepOwner {
		t.Errorf("%s: the failure was swallowed", at)
	} else if trouble != nil {
		if _, ok := fault.As(trouble); !ok {
			t.Errorf("%s: %v is no fault", at, trouble)
		}
	}
	if out.failed() != nil && len(out.removed) > 0 && failed != stepDelete && !slices.Contains([]step{stepChmod, stepTimes, stepSyncDir, stepXattrs, stepOwner, stepJournalRemove}, failed) {
		t.Errorf("%s: after %v, %q were deleted", at, out.failed(), out.removed)
	}
	// And all is well once the disk is.
	again, err := playScene(t.Context(), dir, hurried)
	if err != nil || again.failed() != nil {
		t.Errorf("%s: the next copy: %v, %v", at, err, again.failed())
	}
	_, _, after := scene()
	wantTree(t, dir, after)
	if t.Failed() {
		t.Logf("%s: %v", at, out.failed())
	}
	return failed == "" || t.Failed()
}

// A cancelled copy leaves what was there, and the next one goes on.
func TestStoreCancelled(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		dir := t.TempDir()
		setScene(t, dir)
		ctx, cancel := context.WithCancel(t.Context())
		calls, last := 0, step("")
		out, err := playScene(ctx, dir, func(s step, call func() error) error {
			if calls++; calls == n {
				last = s
				cancel()
			}
			return hurried(s, call)
		})
		cancel()
		at := fmt.Sprintf("call %d, %s", n, last)
		if err != nil {
			t.Errorf("%s: %v", at, err)
		}
		wantScene(t, at, dir, out)
		if again, err := playScene(t.Context(), dir, hurried); err != nil || again.failed() != nil {
			t.Errorf("%s: the next copy: %v, %v", at, err, again.failed())
		}
		_, _, after := scene()
		wantTree(t, dir, after)
		if last == "" || t.Failed() {
			return
		}
	}
}

// A process that is killed ahead of any step leaves at each name what was there or
// what shall be there, and the next copy goes on from that.
func TestStoreKilled(t *testing.T) {
	t.Parallel()
	all := append(sceneSteps(t), "end")
	for _, n := range calls(all) {
		i, want := n-1, all[n-1]
		t.Run(fmt.Sprint(n, " ", want), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			setScene(t, dir)
			v := startErrand(t, errandScene, dir, n)
			if v.step != want {
				t.Errorf("it stopped at %q", v.step)
			}
			v.kill(t)
			at := fmt.Sprintf("killed at %d, %s", i+1, want)
			wantScene(t, at, dir, nil)
			if again, err := playScene(t.Context(), dir, hurried); err != nil || again.failed() != nil {
				t.Errorf("%s: the next copy: %v, %v", at, err, again.failed())
			}
			_, _, after := scene()
			wantTree(t, dir, after)
		})
	}
}

// One file's failure is none of the others'.
func TestFailuresAreApart(t *testing.T) {
	t.Parallel()
	for _, st := range []step{stepChmod, stepTimes, stepVerify, stepRename, stepSync} {
		dir := t.TempDir()
		var ts trees
		for i := range 5 {
			ts.file(fmt.Sprint("f", i), newText)
			write(t, filepath.Join(dir, fmt.Sprint("f", i)), oldText)
		}
		s, err := Land(dir, tree.Into, false, plain())
		if err != nil {
			t.Fatal(err)
		}
		calls := 0
		s.seam = func(s step, call func() error) error {
			if s == st {
				if calls++; calls == 3 {
					return syscall.EIO
				}
			}
			return call()
		}
		out := ts.send(t.Context(), s)
		closeStore(t, s)
		want := map[string]string{}
		for i := range 5 {
			name := fmt.Sprint("f", i)
			want[name] = newText
			if i == 2 {
				want[name] = oldText
				wantFault(t, out.errs[name], fault.IO)
			} else if out.errs[name] != nil {
				t.Errorf("%s: %s: %v", st, name, out.errs[name])
			}
		}
		if diff := cmp.Diff(len(want), len(listingNamesOf(t, dir))); diff != "" {
			t.Errorf("%s: %s", st, diff)
		}
		wantTree(t, dir, want)
	}
}

func listingNamesOf(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// Where the whole file system cannot be synced, nothing of the batch is put into
// place, nothing is tried again, and later batches are synced file by file.
func TestSyncFSFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Land(dir, tree.Into, false, plain())
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	if !s.soundSync() {
		testenv.Missing(t, "a file system that is synced as a whole")
	}
	counts := map[step]int{}
	s.seam = func(st step, call func() error) error {
		counts[st]++
		if st == stepSyncFS {
			return syscall.EIO
		}
		return call()
	}
	var ts trees
	want := map[string]string{}
	for i := range 250 {
		name := fmt.Sprint("f", i)
		ts.file(name, newText)
		if i >= 100 { // they are committed by the hundred
			want[name] = newText
		}
	}
	out := ts.send(t.Context(), s)
	for i := range 100 {
		wantFault(t, out.errs[fmt.Sprint("f", i)], fault.IO, "syncing")
	}
	for i := 100; i < 250; i++ {
		if err := out.errs[fmt.Sprint("f", i)]; err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	if counts[stepSyncFS] != 1 || counts[stepSync] != 2*150 { // ahead of the name and behind it
		t.Errorf("%d syncfs, %d fsyncs", counts[stepSyncFS], counts[stepSync])
	}
	wantTree(t, dir, want)
}
