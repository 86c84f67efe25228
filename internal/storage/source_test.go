package storage

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rdmacp/rdmacp/internal/fault"
)

func TestSourceReads(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, newText)
	s := openSource(t, path)
	m := s.Meta()
	if m.Size != int64(len(newText)) || m.Mode != 0o600 || !m.ModTime.Equal(stamp) {
		t.Errorf("got %+v", m)
	}
	got, err := io.ReadAll(io.NewSectionReader(s, 0, m.Size))
	if diff := cmp.Diff(newText, string(got)); err != nil || diff != "" {
		t.Errorf("%v, diff %s", err, diff)
	}
	// At the end it keeps io.ReaderAt's contract.
	b := make([]byte, 10)
	if n, err := s.ReadAt(b, m.Size-4); n != 4 || !errors.Is(err, io.EOF) {
		t.Errorf("across the end: %d, %v", n, err)
	}
	if n, err := s.ReadAt(b, m.Size); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %d, %v", n, err)
	}
	if n, err := s.ReadAt(b[:4], m.Size-4); n != 4 || err != nil {
		t.Errorf("up to the end: %d, %v", n, err)
	}
	_, err = s.ReadAt(b, -1)
	wantFault(t, err, fault.Internal)
	if err := s.Unchanged(); err != nil {
		t.Error(err)
	}
}

func TestSourceClose(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, newText)
	s := openSource(t, path)
	for range 3 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err := s.ReadAt(make([]byte, 1), 0)
	wantFault(t, err, fault.Internal)
	wantFault(t, s.Unchanged(), fault.Internal)
	conn, err := s.SyscallConn()
	if err == nil {
		err = conn.Control(func(uintptr) { t.Error("a closed source gives its descriptor away") })
	}
	if err == nil {
		t.Error("a closed source can still be controlled")
	}
}

func TestUnchanged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(path string) error
		why    string // empty: no change that matters
	}{
		{"nothing", func(string) error { return nil }, ""},
		{"read", func(p string) error { _, err := os.ReadFile(p); return err }, ""},
		{"chmod", func(p string) error { return os.Chmod(p, 0o400) }, ""},
		{"linked", func(p string) error { return os.Link(p, p+".2") }, ""},
		{"removed", func(p string) error { return os.Remove(p) }, ""},
		{"replaced", func(p string) error { return errors.Join(os.WriteFile(p+".2", nil, 0o600), os.Rename(p+".2", p)) }, ""},
		{"longer", func(p string) error { return os.Truncate(p, 1000) }, "its size went from 49 to 1000 bytes"},
		{"shorter", func(p string) error { return os.Truncate(p, 5) }, "its size went from 49 to 5 bytes"},
		{"rewritten", func(p string) error { return os.WriteFile(p, []byte(newText), 0o600) }, "it was modified at 20"},
		{"rewritten, time set back", func(p string) error {
			return errors.Join(os.WriteFile(p, []byte(newText), 0o600), os.Chtimes(p, stamp, stamp))
		}, "rewritten with its old time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "f")
			write(t, path, newText)
			s := openSource(t, path)
			time.Sleep(20 * time.Millisecond) // past the grain of the file system's clock
			if err := tt.change(path); err != nil {
				t.Fatal(err)
			}
			err := s.Unchanged()
			if tt.why == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantFault(t, err, fault.SourceChanged, tt.why)
		})
	}
}

func TestSourceTruncated(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, newText)
	s := openSource(t, path)
	if err := os.Truncate(path, 10); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 20)
	n, err := s.ReadAt(b, 5)
	if n != 5 {
		t.Errorf("read %d bytes, want 5", n)
	}
	wantFault(t, err, fault.SourceChanged, "it ends at byte 10, but had 49 bytes")
	_, err = s.ReadAt(b, 40)
	wantFault(t, err, fault.SourceChanged)
}

// What a file grows by is not part of it.
func TestSourceGrown(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, newText)
	s := openSource(t, path)
	write(t, path, newText+newText)
	got, err := io.ReadAll(io.NewSectionReader(s, 0, 1<<20))
	if err != nil || string(got) != newText {
		t.Errorf("%q, %v", got, err)
	}
}

// A file that is changed again within the clock tick of the change before shows
// the same times. Whoever opens it in that tick has to wait until it is over.
func TestChangedWithinATick(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "source")
	for i := range 20 {
		if err := os.WriteFile(path, []byte("aa"), 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := OpenSource(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("bb"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := s.Unchanged(); fault.CodeOf(err) != fault.SourceChanged {
			t.Errorf("round %d: %v", i, err)
		}
		_ = s.Close()
	}
}
