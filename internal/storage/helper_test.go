package storage

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rdmacp/rdmacp/internal/fault"
)

const (
	oldText = "what stood there before"
	newText = "the new file, in three chunks of a few bytes each"
)

// stamp has nanoseconds, and lies so far back that every change shows.
var stamp = time.Date(2001, time.February, 3, 4, 5, 6, 123456789, time.UTC)

func newMeta() Meta {
	return Meta{Size: int64(len(newText)), Mode: 0o640, ModTime: stamp}
}

// fill writes newText in three chunks.
func fill(s *Sink) error {
	const chunk = len(newText)/3 + 1
	for off := 0; off < len(newText); off += chunk {
		if _, err := s.WriteAt([]byte(newText[off:min(off+chunk, len(newText))]), int64(off)); err != nil {
			return err
		}
	}
	return nil
}

// copyTo is a whole copy of newText to path.
func copyTo(ctx context.Context, path string, sm seam) error {
	s, err := createAt(path, newMeta(), sm)
	if err != nil {
		return err
	}
	if err := fill(s); err != nil {
		return joined(err, s.Close())
	}
	if err := s.Commit(ctx); err != nil {
		return joined(err, s.Close())
	}
	return s.Close()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, stamp, stamp); err != nil {
		t.Fatal(err)
	}
}

func wantText(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
		return
	}
	if !bytes.Equal(got, []byte(want)) {
		t.Errorf("%s holds %q, want %q", path, got, want)
	}
}

// wantNames checks that the directory holds just these names.
func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if diff := cmp.Diff(want, namesOf(t, dir)); diff != "" {
		t.Errorf("names in the directory (-want +got):\n%s", diff)
	}
}

// namesOf are the names in a directory, in order; nil for none.
func namesOf(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// wantFault checks that err is a fault of the code, and that it tells a user
// everything; words are to be found in it.
func wantFault(t *testing.T, err error, code fault.Code, words ...string) {
	t.Helper()
	f, ok := err.(*fault.Error) //nolint:errorlint // the fault itself is promised, not something around it
	if !ok {
		t.Errorf("got %T (%v), want a fault", err, err)
		return
	}
	if f.Code != code {
		t.Errorf("got code %v (%v), want %v", f.Code, f, code)
	}
	if f.What == "" || f.Why == nil || (f.Fix == "" && f.Code != fault.Internal) {
		t.Errorf("fault lacks something: what %q, why %v, fix %q", f.What, f.Why, f.Fix)
	}
	for _, w := range words {
		if !strings.Contains(f.Error()+"\n"+f.Fix, w) {
			t.Errorf("%q / %q lacks %q", f.Error(), f.Fix, w)
		}
	}
}

func wantMode(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Error(err)
		return
	}
	if info.Mode() != mode {
		t.Errorf("%s has mode %v, want %v", path, info.Mode(), mode)
	}
}

func openDir(t *testing.T, path string) *Dir {
	t.Helper()
	d, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func openSource(t *testing.T, path string) *Source {
	t.Helper()
	s, err := OpenSource(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func symlink(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, path ...string) string {
	t.Helper()
	dir := filepath.Join(path...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}
