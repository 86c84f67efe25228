package storage

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/testenv"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// unsupported is how systems say that they do not have files without a name.
var unsupported = []error{unix.EOPNOTSUPP, unix.EISDIR, unix.EINVAL, unix.ENOSYS, unix.EPERM}

// A small file has the mode that it shall have, whatever its directory passes on.
func TestSmallModes(t *testing.T) {
	t.Parallel()
	for _, acl := range []bool{false, true} {
		for _, perms := range []bool{false, true} {
			dir := t.TempDir()
			if acl {
				if err := unix.Setxattr(dir, aclPrefix+"default", posixACL(), 0); err != nil {
					testenv.Missing(t, "a file system that has ACLs: %v", err)
				}
			}
			o := plain()
			o.Perms = perms
			var ts trees
			modes := []fs.FileMode{0o644, 0o666, 0o600, 0, 0o777, 0o444, 0o755 | fs.ModeSetuid, 0o755 | fs.ModeSetgid | fs.ModeSticky}
			for i, m := range modes {
				ts.file(fmt.Sprint("f", i), newText).Meta.Mode = m
			}
			noFault(t, ts.landAt(t, dir, tree.Into, o))
			for i, m := range modes {
				if !perms {
					m = m.Perm() &^ umask()
				}
				wantMode(t, filepath.Join(dir, fmt.Sprint("f", i)), m)
			}
		}
	}
}

// The same for a user who is nobody, and for a kernel that lets such a user link a
// file by its path only.
func TestSmallAsNobody(t *testing.T) {
	t.Parallel()
	needRoot(t)
	needUnnamed(t)
	for _, byPath := range []bool{false, true} {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		s, err := Land(dir, tree.Into, false, plain())
		if err != nil {
			t.Fatal(err)
		}
		var ts trees
		for i := range 10 {
			ts.file(fmt.Sprint("f", i), newText).Meta.Mode = 0o666
		}
		links, renames := 0, 0
		s.seam = func(st step, call func() error) error {
			switch st { //nolint:exhaustive // the others do not count
			case stepLink:
				links++
				linksByPath.Store(byPath)
			case stepRename:
				renames++
			}
			return call()
		}
		asNobody(t, func() { noFault(t, ts.send(t.Context(), s)) })
		closeStore(t, s)
		if links != 10 || renames != 0 {
			t.Errorf("%d links, %d renames", links, renames)
		}
		for i := range 10 {
			path := filepath.Join(dir, fmt.Sprint("f", i))
			wantMode(t, path, 0o666)
			wantText(t, path, newText)
			info, err := os.Stat(path)
			if err != nil || statusOf(info).uid != nobody {
				t.Errorf("%s: %v, %v", path, info, err)
			}
		}
	}
}
