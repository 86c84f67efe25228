package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/rdmacp/rdmacp/internal/fault"
)

func TestWrap(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err  error
		code fault.Code
		text string
	}{
		{syscall.ENOENT, fault.NotFound, "opening /x: no such file or directory"},
		{syscall.ENOTDIR, fault.NotFound, "opening /x: a part of the path is a file: not a directory"},
		{syscall.ELOOP, fault.NotFound, "opening /x: symbolic links lead in a circle: too many levels of symbolic links"},
		{syscall.ENAMETOOLONG, fault.Usage, "opening /x: file name too long"},
		{syscall.EACCES, fault.Permission, "opening /x: permission denied"},
		{syscall.EPERM, fault.Permission, "opening /x: operation not permitted"},
		{syscall.EROFS, fault.ReadOnly, "opening /x: read-only file system"},
		{syscall.ENOSPC, fault.NoSpace, "opening /x: no space left on device"},
		{syscall.EDQUOT, fault.NoSpace, "opening /x: over quota: disk quota exceeded"},
		{syscall.EIO, fault.IO, "opening /x: input/output error"},
		{syscall.EMFILE, fault.Limit, "opening /x: too many open files"},
		{syscall.EISDIR, fault.NotRegular, "opening /x: is a directory"},
		{syscall.ENOTEMPTY, fault.IO, "opening /x: directory not empty"},
		{errors.New("odd"), fault.IO, "opening /x: odd"},
		{os.ErrClosed, fault.Internal, "opening /x: file already closed"},
		{fs.ErrNotExist, fault.NotFound, "opening /x: file does not exist"},
	}
	for _, tt := range tests {
		for _, err := range []error{tt.err, &fs.PathError{Op: "openat", Path: "x", Err: tt.err}, fmt.Errorf("around: %w", tt.err)} {
			got := wrap("opening /x", err)
			if !errors.Is(got, tt.err) {
				t.Errorf("%v: the cause is lost", err)
			}
			if errors.As(err, new(syscall.Errno)) {
				wantFault(t, got, tt.code)
				if got.Error() != tt.text {
					t.Errorf("got %q, want %q", got, tt.text)
				}
			}
		}
		wantFault(t, wrap("opening /x", tt.err), tt.code, tt.text)
	}
	if err := wrap("opening /x", nil); err != nil {
		t.Errorf("nil became %v", err)
	}
	inner := fault.New(fault.Busy, "inner", errors.New("why"), "fix")
	if got := wrap("outer", fmt.Errorf("around: %w", inner)); !errors.Is(got, inner) || got.Error() != inner.Error() {
		t.Errorf("a fault became %v", got)
	}
}

func TestEnded(t *testing.T) {
	t.Parallel()
	if err := ended(t.Context(), "committing x"); err != nil {
		t.Errorf("not ended: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantFault(t, ended(ctx, "committing x"), fault.Interrupted, "committing x: context canceled")

	ctx, cancel = context.WithTimeout(t.Context(), 0)
	defer cancel()
	wantFault(t, ended(ctx, "committing x"), fault.Timeout)

	ctx, stop := context.WithCancelCause(t.Context())
	lost := fault.New(fault.Lost, "copying", errors.New("link down"), "try again")
	stop(lost)
	wantFault(t, ended(ctx, "committing x"), fault.Lost, "link down")
}
