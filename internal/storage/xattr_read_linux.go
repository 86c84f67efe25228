package storage

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/fault"
	"github.com/rdmacp/rdmacp/internal/tree"
)

// maxXattrs is how long the extended attributes of an entry may be together, with
// their names, in bytes.
const maxXattrs = 64 << 10

// xattrs returns the extended attributes of leaf, or of the directory itself where
// leaf is empty.
func (w *walkDir) xattrs(leaf string, follow bool, o tree.WalkOptions) ([]tree.Xattr, error) {
	if !o.Xattrs && !o.ACLs {
		return nil, nil
	}
	return readXattrs(w.procPath(leaf), follow, o)
}

// xattrs returns the extended attributes of an open file.
func (f *rawFile) xattrs(o tree.WalkOptions) (list []tree.Xattr, err error) {
	err = f.use(func(fd int) error {
		list, err = readXattrs("/proc/self/fd/"+strconv.Itoa(fd), true, o)
		return err
	})
	return list, err
}

// readXattrs returns the extended attributes at path, in the order of their names.
func readXattrs(path string, follow bool, o tree.WalkOptions) ([]tree.Xattr, error) {
	list, get := unix.Llistxattr, unix.Lgetxattr
	if follow {
		list, get = unix.Listxattr, unix.Getxattr
	}
	names, err := filled(func(b []byte) (int, error) { return list(path, b) })
	if err != nil || len(names) == 0 {
		return nil, unlessUnsupported(err)
	}
	root := os.Geteuid() == 0
	var found []tree.Xattr
	total := 0
	for name := range bytes.SplitSeq(bytes.TrimSuffix(names, []byte{0}), []byte{0}) {
		x := tree.Xattr{Name: string(name)}
		if !wanted(x.Name, root, o) {
			continue
		}
		x.Value, err = filled(func(b []byte) (int, error) { return get(path, x.Name, b) })
		if errors.Is(err, unix.ENODATA) {
			continue // it was removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		if total += len(x.Name) + len(x.Value); total > maxXattrs {
			return nil, fault.New(fault.Limit, "", fmt.Errorf("it has more than %d KiB of extended attributes", maxXattrs>>10),
				"copy it without them, or make them fewer")
		}
		found = append(found, x)
	}
	slices.SortFunc(found, func(a, b tree.Xattr) int { return strings.Compare(a.Name, b.Name) })
	return found, nil
}

// wanted reports whether an attribute is copied. Those of the kernel's own are
// root's to set, and what the file system says of itself is not to be copied.
func wanted(name string, root bool, o tree.WalkOptions) bool {
	space, _, _ := strings.Cut(name, ".")
	switch space {
	case "user":
		return o.Xattrs
	case "trusted", "security":
		return o.Xattrs && root
	case "system":
		return o.ACLs && (name == "system.posix_acl_access" || name == "system.posix_acl_default")
	}
	return false
}

// filled calls get with a buffer that is large enough, and returns what it has put
// into it.
func filled(get func(b []byte) (int, error)) ([]byte, error) {
	for size := 256; ; size *= 16 {
		b := make([]byte, size)
		n := 0
		err := restarted(func() (err error) {
			n, err = get(b)
			return err
		})
		if errors.Is(err, unix.ERANGE) && size <= 1<<20 {
			continue
		}
		return b[:max(n, 0)], err
	}
}

// unlessUnsupported drops the error of a file system that has no such attributes.
func unlessUnsupported(err error) error {
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return err
}
