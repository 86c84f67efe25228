package storage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
)

func TestCommit(t *testing.T) {
	t.Parallel()
	for _, existing := range []string{"none", "file", "readonly", "link", "dangling", "leftover"} {
		t.Run(existing, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "f")
			names := []string{"f"}
			switch existing {
			case "file":
				write(t, path, oldText)
			case "readonly":
				write(t, path, oldText)
				if err := os.Chmod(path, 0o400); err != nil {
					t.Fatal(err)
				}
			case "link":
				write(t, filepath.Join(dir, "target"), oldText)
				symlink(t, "target", path)
				names = append(names, "target")
			case "dangling":
				symlink(t, "nowhere", path)
			case "leftover":
				write(t, filepath.Join(dir, partialName("f")), strings.Repeat("x", 100_000))
				if err := os.Chmod(filepath.Join(dir, partialName("f")), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			if err := copyTo(t.Context(), path, nil); err != nil {
				t.Fatal(err)
			}
			wantText(t, path, newText)
			wantMode(t, path, 0o640)
			wantNames(t, dir, names...)
			info, err := os.Stat(path)
			if err != nil || !info.ModTime().Equal(stamp) {
				t.Errorf("time %v, %v", info.ModTime(), err)
			}
			if existing == "link" {
				wantText(t, filepath.Join(dir, "target"), oldText)
			}
		})
	}
}

// While it is written the file is nobody else's to read, and the destination
// stays as it was.
func TestPartialIsPrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, partial := filepath.Join(dir, "f"), filepath.Join(dir, partialName("f"))
	write(t, path, oldText)
	write(t, partial, oldText)
	if err := os.Chmod(partial, 0o666); err != nil {
		t.Fatal(err)
	}
	s, err := Create(path, newMeta())
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(s); err != nil {
		t.Error(err)
	}
	wantMode(t, partial, 0o600)
	wantText(t, path, oldText)
	for range 3 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	wantNames(t, dir, "f")
	wantText(t, path, oldText)
	_, err = s.WriteAt([]byte("x"), 0)
	wantFault(t, err, fault.Internal, path)
	wantFault(t, s.Commit(t.Context()), fault.Internal, path)
}

func TestCommitTwice(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	s, err := Create(path, Meta{Mode: 0o604})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	wantFault(t, s.Commit(t.Context()), fault.Internal)
	_, err = s.WriteAt([]byte("x"), 0)
	wantFault(t, err, fault.Internal)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wantText(t, path, "")
	wantMode(t, path, 0o604)
}

func TestCommitCancelled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	write(t, path, oldText)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantFault(t, copyTo(ctx, path, nil), fault.Interrupted, "committing "+path)
	wantText(t, path, oldText)
	wantNames(t, dir, "f")
}

func TestCreateErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "f"), oldText)
	mkdir(t, dir, "sub")
	symlink(t, "sub", filepath.Join(dir, "link"))
	d := openDir(t, dir)
	tests := []struct {
		name string
		code fault.Code
		why  string
	}{
		{"none/f", fault.NotFound, "no such file or directory"},
		{"f/f", fault.NotFound, "not a directory"},
		{"sub", fault.NotRegular, "there is a directory already"},
		{"link", fault.NotRegular, "there is a symbolic link to a directory already"},
	}
	for _, tt := range tests {
		_, err := d.Create(tt.name, newMeta())
		wantFault(t, err, tt.code, "creating "+filepath.Join(dir, tt.name), tt.why)
		_, err = Create(filepath.Join(dir, tt.name), newMeta())
		wantFault(t, err, tt.code, "creating "+filepath.Join(dir, tt.name), tt.why)
	}
	for _, path := range []string{"", dir + "/", dir + "/x/", dir + "/.", dir + "/..", "..", "."} {
		_, err := Create(path, newMeta())
		wantFault(t, err, fault.NotRegular, "it names a directory")
	}
	for _, m := range []Meta{{Size: -1}, {Allocated: -1}} {
		_, err := d.Create("new", m)
		wantFault(t, err, fault.Internal)
	}
	_, err := Create(filepath.Join(dir, strings.Repeat("n", 256)), newMeta())
	wantFault(t, err, fault.Usage, "file name too long")
	wantNames(t, dir, "f", "link", "sub")
}

func TestWriteBeyond(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	s, err := Create(path, newMeta())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for _, off := range []int64{-1, int64(len(newText)), int64(len(newText)) + 1, 1 << 62, -1 << 63} {
		_, err := s.WriteAt([]byte("x"), off)
		wantFault(t, err, fault.Internal, path)
	}
	// That was a caller's mistake and has harmed nothing.
	if err := fill(s); err != nil {
		t.Error(err)
	}
	if err := s.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	wantText(t, path, newText)
}

func TestLongName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := strings.Repeat("n", 254)+"a", strings.Repeat("n", 254)+"b"
	for _, leaf := range []string{a, b} {
		if err := copyTo(t.Context(), filepath.Join(dir, leaf), nil); err != nil {
			t.Error(err)
		}
	}
	wantNames(t, dir, a, b)
}

// A bare name lies in the working directory.
func TestBareName(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := copyTo(t.Context(), "f", nil); err != nil {
		t.Error(err)
	}
	wantText(t, filepath.Join(dir, "f"), newText)
}

func TestConcurrentWrites(t *testing.T) {
	t.Parallel()
	const chunk, chunks = 4096, 64
	path := filepath.Join(t.TempDir(), "f")
	s, err := Create(path, Meta{Size: chunk * chunks, Mode: 0o600})
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	var wg sync.WaitGroup
	for i := range chunks {
		text := strings.Repeat(string(rune('!'+i)), chunk)
		want.WriteString(text)
		wg.Go(func() {
			if _, err := s.WriteAt([]byte(text), int64(i)*chunk); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := s.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	wantText(t, path, want.String())
}

// Writes that race with Commit and Close are refused or whole, and never reach a
// file that has been committed.
func TestWriteRacesCommit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	s, err := Create(path, Meta{Size: 8, Mode: 0o600})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 1000 {
				if _, err := s.WriteAt([]byte{byte('0' + i)}, int64(i)); err != nil {
					wantFault(t, err, fault.Internal)
					return
				}
			}
		})
	}
	if err := s.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	committed, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	wantText(t, path, string(committed))
}

func TestBusy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	first, err := Create(path, newMeta())
	if err != nil {
		t.Fatal(err)
	}
	_, err = Create(path, newMeta())
	wantFault(t, err, fault.Busy, "creating "+path, "another copy is writing it")
	if err := fill(first); err != nil {
		t.Error(err)
	}
	if err := first.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	wantText(t, path, newText)
	if err := copyTo(t.Context(), path, nil); err != nil {
		t.Error("after the first is done: ", err)
	}
	wantNames(t, dir, "f")
}

// Many copies to one name: some come through, the others are told that it is
// busy, and what stands there at the end is one of those that came through.
func TestManyToOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	var mu sync.Mutex
	through := make(map[string]bool)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 10 {
				text := fmt.Sprintf("copy %d.%d %s", i, j, strings.Repeat("x", i*100))
				err := copyText(t.Context(), path, text)
				if err != nil {
					wantFault(t, err, fault.Busy)
					continue
				}
				mu.Lock()
				through[text] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	got, err := os.ReadFile(path)
	if err != nil || !through[string(got)] {
		t.Errorf("%q, %v is none of the %d that came through", got, err, len(through))
	}
	wantNames(t, dir, "f")
}

func copyText(ctx context.Context, path, text string) error {
	s, err := Create(path, Meta{Size: int64(len(text)), Mode: 0o600})
	if err != nil {
		return err
	}
	if _, err := s.WriteAt([]byte(text), 0); err != nil {
		return joined(err, s.Close())
	}
	return s.Commit(ctx)
}
