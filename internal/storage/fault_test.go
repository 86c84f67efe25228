package storage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// failing is a way for the operating system to let a copy down.
type failing struct {
	name  string
	err   error
	code  fault.Code
	after bool // the call is made, and said to have failed
	ever  bool // whatever comes behind it fails as well
}

var failings = []failing{
	{name: "EIO", err: syscall.EIO, code: fault.IO},
	{name: "EIO for ever", err: syscall.EIO, code: fault.IO, ever: true},
	{name: "EIO though done", err: syscall.EIO, code: fault.IO, after: true},
	{name: "ENOSPC", err: syscall.ENOSPC, code: fault.NoSpace},
	{name: "EDQUOT", err: syscall.EDQUOT, code: fault.NoSpace},
	{name: "EDQUOT though done", err: syscall.EDQUOT, code: fault.NoSpace, after: true},
	{name: "EROFS for ever", err: syscall.EROFS, code: fault.ReadOnly, ever: true},
	{name: "EACCES", err: syscall.EACCES, code: fault.Permission},
}

// seam fails the nth call. It tells which step that was, if it came so far.
func (f failing) seam(n int, failed *step) seam {
	calls := 0
	return func(s step, call func() error) error {
		calls++
		if calls < n || (calls > n && !f.ever) {
			return hurried(s, call)
		}
		if calls == n {
			*failed = s
		}
		// The descriptor of an open that is said to have failed would be lost.
		if f.after && s != stepOpen {
			return errors.Join(f.err, call())
		}
		return f.err
	}
}

// Fail the first call, the second, and so on until a copy runs through: after
// each, the destination is the old file or the new one, and what the copy said
// is true.
func TestFailures(t *testing.T) {
	t.Parallel()
	for _, f := range failings {
		for _, before := range []string{"none", "old", "old and leftover"} {
			t.Run(f.name+"/"+before, func(t *testing.T) {
				t.Parallel()
				for n := 1; ; n++ {
					if n > 100 {
						t.Fatal("no end")
					}
					if ranThrough := failAt(t, f, before, n); ranThrough {
						break
					}
				}
			})
		}
	}
}

// failAt copies once with the nth call failing, and reports whether there was no
// nth call any more.
func failAt(t *testing.T, f failing, before string, n int) bool {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if before != "none" {
		write(t, path, oldText)
	}
	if before == "old and leftover" {
		write(t, filepath.Join(dir, partialName("f")), "much that is of no use, longer than what is to come "+newText)
	}
	var failed step
	err := copyTo(t.Context(), path, f.seam(n, &failed))
	at := fmt.Sprintf("call %d, %s", n, failed)

	switch _, statErr := os.Stat(path); {
	case err == nil:
		wantText(t, path, newText)
	case failed == stepSyncDir || (failed == stepRename && f.after):
		wantFault(t, err, f.code)
		wantText(t, path, newText)
	default:
		wantFault(t, err, f.code)
		if before != "none" {
			wantText(t, path, oldText)
		} else if !errors.Is(statErr, os.ErrNotExist) {
			t.Errorf("%s: there is a file: %v", at, statErr)
		}
	}
	if err == nil && failed != "" && failed != stepSpace && failed != stepPreallocate && failed != stepRemove {
		t.Errorf("%s: the failure was swallowed", at)
	}
	// Where nothing can be removed any more, something remains.
	_, leftover := os.Lstat(filepath.Join(dir, partialName("f")))
	untouched := before == "old and leftover" && slices.Contains([]step{stepOpen, stepLock, stepIdentify}, failed)
	if leftover == nil && !f.ever && failed != stepRemove && !untouched {
		t.Errorf("%s: a partial file is left", at)
	}
	// And all is well once the disk is.
	if err := copyTo(t.Context(), path, hurried); err != nil {
		t.Errorf("%s: the next copy: %v", at, err)
	}
	wantText(t, path, newText)
	wantNames(t, dir, "f")
	if t.Failed() {
		t.Logf("%s: %v", at, err)
	}
	return failed == "" || t.Failed()
}

// The removal of the partial file fails too: both are told.
func TestFailuresInCleanup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	broken := func(s step, call func() error) error {
		if s == stepSync {
			return syscall.EIO
		}
		if s == stepRemove {
			return syscall.EROFS
		}
		return call()
	}
	err := copyTo(t.Context(), path, broken)
	wantFault(t, err, fault.IO, "syncing "+path+": input/output error",
		"removing the partial file of "+path+": read-only file system")
	wantNames(t, dir, partialName("f"))

	s, err := createAt(path, newMeta(), broken)
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, s.Close(), fault.ReadOnly, "removing the partial file")
	if err := s.Close(); err != nil {
		t.Error("closed again: ", err)
	}
}

// A cancelled Commit ends before the rename, whenever the cancel comes; behind
// it, the copy is done.
func TestCancelAtEachStep(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		dir := t.TempDir()
		path := filepath.Join(dir, "f")
		write(t, path, oldText)
		ctx, cancel := context.WithCancel(t.Context())
		calls, last := 0, step("")
		err := copyTo(ctx, path, func(s step, call func() error) error {
			calls++
			if s == stepSync && ctx.Err() != nil {
				t.Errorf("cancelled at %s, it is synced nevertheless", last)
			}
			if calls == n {
				last = s
				cancel()
			}
			return hurried(s, call)
		})
		cancel()
		if last == "" || last == stepRename || last == stepSyncDir {
			if err != nil {
				t.Errorf("cancelled at %q: %v", last, err)
			}
			wantText(t, path, newText)
		} else {
			wantFault(t, err, fault.Interrupted)
			wantText(t, path, oldText)
		}
		wantNames(t, dir, "f")
		if last == "" {
			return
		}
	}
}

// A failed fsync is not tried again, and a file that could not be written whole
// is never put into place.
func TestFailuresAreFinal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	syncs := 0
	s, err := createAt(path, newMeta(), func(st step, call func() error) error {
		if st == stepSync {
			syncs++
			return syscall.EIO
		}
		return call()
	})
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, s.Commit(t.Context()), fault.IO, "syncing "+path)
	wantFault(t, s.Commit(t.Context()), fault.Internal)
	if syncs != 1 {
		t.Errorf("%d fsyncs", syncs)
	}

	once := true
	s, err = createAt(path, newMeta(), func(st step, call func() error) error {
		if st == stepWrite && once {
			once = false
			return syscall.ENOSPC
		}
		return call()
	})
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, fill(s), fault.NoSpace, "writing "+path)
	if err := fill(s); err != nil {
		t.Error("the disk is well again, but: ", err)
	}
	wantFault(t, s.Commit(t.Context()), fault.NoSpace, "writing "+path)
	wantNames(t, filepath.Dir(path))
}
