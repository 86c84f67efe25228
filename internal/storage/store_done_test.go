package storage

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// What is there already is synced, with its name, where its source will be removed;
// a failure is that file's.
func TestDurable(t *testing.T) {
	t.Parallel()
	for _, failing := range []step{"", stepSync, stepSyncDir} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "f"), "text")
		if err := os.Chtimes(filepath.Join(dir, "f"), stamp, stamp); err != nil {
			t.Fatal(err)
		}
		o := archive()
		o.Durable = true
		s := landBrisk(t, dir, o, hurried)
		synced := map[step]int{}
		s.seam = func(now step, call func() error) error {
			if synced[now]++; now == failing {
				return errors.New("no such luck")
			}
			return call()
		}
		v := s.Add(t.Context(), tree.Entry{ID: 1, Name: "f", Kind: tree.File, Meta: tree.Meta{Size: 4, Mode: 0o640, ModTime: stamp}})
		switch {
		case failing == "" && (v.Answer != tree.Done || synced[stepSync] != 1 || synced[stepSyncDir] != 1):
			t.Errorf("%+v, %v", v, synced)
		case failing != "" && v.Answer != tree.Fail:
			t.Errorf("%s failed: %+v", failing, v)
		case failing != "":
			wantFault(t, v.Fault, fault.IO, "bringing ", "no such luck")
		}
		closeStore(t, s)
	}
}

// A file that was there already, since a run that was killed has put it there, will be
// there after a loss of power, too, once the copy has said that all is; and so will be
// the mode that it has got by it.
func TestStoodIsSynced(t *testing.T) {
	t.Parallel()
	for _, mode := range []os.FileMode{0o640, 0o600} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "f"), "text")
		if err := errors.Join(os.Chmod(filepath.Join(dir, "f"), mode), os.Chtimes(filepath.Join(dir, "f"), stamp, stamp)); err != nil {
			t.Fatal(err)
		}
		s := landBrisk(t, dir, archive(), hurried)
		synced := map[step]int{}
		s.seam = func(now step, call func() error) error {
			synced[now]++
			return call()
		}
		var ts trees
		ts.file("f", "text")
		out := ts.send(t.Context(), s)
		if v := out.verdicts["f"]; v.Answer != tree.Done || out.failed() != nil {
			t.Errorf("%+v, %v", v, out.failed())
		}
		if synced[stepSyncDir] != 1 {
			t.Errorf("mode %o: its directory was synced %d times", mode, synced[stepSyncDir])
		}
		if want := synced[stepChmod]; s.soundSync() && synced[stepSyncFS] != want {
			t.Errorf("mode %o: the file system was synced %d times, want %d", mode, synced[stepSyncFS], want)
		}
		closeStore(t, s)
	}
}

func TestSameFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "text")
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	st := statusOf(info)
	same := tree.Meta{Size: 4, ModTime: info.ModTime(), Inode: st.inode, Changed: st.changed.UnixNano()}
	for name, c := range map[string]struct {
		bend          func(*tree.Meta)
		same, removed bool // what is said of it, also where the source is to be removed
	}{
		"the file":         {func(*tree.Meta) {}, true, true},
		"on a clone":       {func(m *tree.Meta) { m.Changed++ }, false, true},
		"no ctime":         {func(m *tree.Meta) { m.Changed = 0 }, false, true},
		"another":          {func(m *tree.Meta) { m.Inode++ }, false, false},
		"longer":           {func(m *tree.Meta) { m.Size++ }, false, false},
		"later":            {func(m *tree.Meta) { m.ModTime = m.ModTime.Add(time.Nanosecond) }, false, false},
		"of unknown inode": {func(m *tree.Meta) { m.Inode = 0 }, false, false},
	} {
		m := same
		c.bend(&m)
		wantSame(t, name, m, info, false, c.same)
		wantSame(t, name, m, info, true, c.removed)
	}
}

func wantSame(t *testing.T, name string, m tree.Meta, info fs.FileInfo, durable, want bool) {
	t.Helper()
	s := &Store{opts: tree.LandOptions{Durable: durable}}
	got, err := s.sameFile(m, &place{path: "f"}, info)
	if got != want || (err != nil) != (want && durable) {
		t.Errorf("%s, durable %v: %v, %v", name, durable, got, err)
	}
}
