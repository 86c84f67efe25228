package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/rdmacp/rdmacp/internal/fault"
)

// verdict is what an error of the operating system means to a user.
type verdict struct {
	code fault.Code
	note string // put ahead of the errno's own words, where those are not enough
	fix  string
}

const fixSpace = "free some space there, or choose another destination"

var verdicts = map[syscall.Errno]verdict{
	syscall.ENOENT:       {fault.NotFound, "", "check the spelling; directories on the way must exist already"},
	syscall.ENOTDIR:      {fault.NotFound, "a part of the path is a file", "check the path"},
	syscall.ELOOP:        {fault.NotFound, "symbolic links lead in a circle", "check the links on the path"},
	syscall.ENAMETOOLONG: {fault.Usage, "", "choose a shorter name; some file systems allow fewer than 255 bytes"},
	syscall.EINVAL:       {fault.IO, "the file system refuses this", "try a name of plain letters, or another file system"},
	syscall.EACCES:       {fault.Permission, "", "run as a user who may do this, or change the permissions of the file and of the directories above it"},
	syscall.EPERM:        {fault.Permission, "", "run as a user who may do this; the file may also be immutable (lsattr), or its file system without permissions"},
	syscall.EROFS:        {fault.ReadOnly, "", "remount it writable, or choose another destination"},
	syscall.ENOSPC:       {fault.NoSpace, "", fixSpace + " (df -h shows space, df -i inodes)"},
	syscall.EDQUOT:       {fault.NoSpace, "over quota", "free some space, or ask for more quota (quota -s shows it)"},
	syscall.EFBIG:        {fault.IO, "too big for that file system or for the limit on file sizes", "choose another file system, or raise ulimit -f"},
	syscall.EISDIR:       {fault.NotRegular, "", "name a file"},
	syscall.EEXIST:       {fault.NotRegular, "a directory has come to stand there", "choose another name, or remove it first"}, // os.Root.Rename
	syscall.ENXIO:        {fault.NotRegular, "", "name a regular file"},
	syscall.EMFILE:       {fault.Limit, "", "raise the limit on open files (ulimit -n, LimitNOFILE)"},
	syscall.ENFILE:       {fault.Limit, "", "raise fs.file-max on that host"},
	syscall.ENOMEM:       {fault.Limit, "", "free some memory on that host"},
	syscall.ESTALE:       {fault.IO, "the file server has dropped the file", "check the NFS mount, then try again"},
	syscall.EIO:          {fault.IO, "", fixDisk},
}

// wrap turns an error of the operating system into a fault. What names the
// operation and its object; a fault is returned as it is.
func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	if f, ok := fault.As(err); ok {
		return f
	}
	v, why := classify(err)
	if v.note != "" {
		why = fmt.Errorf("%s: %w", v.note, why)
	}
	return fault.New(v.code, what, why, v.fix)
}

// classify returns the verdict on err, and err without the words that os puts
// around an errno.
func classify(err error) (verdict, error) {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		for _, known := range [...]map[syscall.Errno]verdict{hostVerdicts, verdicts} {
			if v, ok := known[errno]; ok {
				return v, errno
			}
		}
	}
	why := err
	if errno != 0 {
		why = errno
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return verdicts[syscall.ENOENT], why
	case errors.Is(err, fs.ErrPermission):
		return verdicts[syscall.EACCES], why
	case errors.Is(err, errors.ErrUnsupported):
		return verdict{fault.IO, "", "choose another file system"}, why
	case errors.Is(err, os.ErrClosed):
		return verdict{fault.Internal, "", ""}, why
	}
	return verdict{fault.IO, "", fixDisk}, why
}

// escapes reports whether os.Root refused to leave its directory. The package
// os does not export that error; TestEscape holds it to its words.
func escapes(err error) bool {
	var pathErr *fs.PathError
	return errors.As(err, &pathErr) && pathErr.Err.Error() == "path escapes from parent"
}

// wrapRooted is wrap for an operation on an os.Root.
func wrapRooted(what string, err error) error {
	if escapes(err) {
		return fault.New(fault.NotExport, what, errors.New("a symbolic link leads out of the directory that is shared"),
			"name what it points to by its own path, or let it point to a relative path inside")
	}
	return wrap(what, err)
}

// endedAt is ended for something whose path is worth making only if it is told.
func endedAt(ctx context.Context, verb string, at shownAs) error {
	if ctx.Err() == nil {
		return nil
	}
	return ended(ctx, verb+" "+at.shown())
}

// ended turns the end of a context into a fault.
func ended(ctx context.Context, what string) error {
	if ctx.Err() == nil {
		return nil
	}
	cause := context.Cause(ctx)
	if f, ok := fault.As(cause); ok {
		return f
	}
	if errors.Is(cause, context.DeadlineExceeded) {
		return fault.New(fault.Timeout, what, cause, "try again")
	}
	return fault.New(fault.Interrupted, what, cause, "run the same command again")
}
