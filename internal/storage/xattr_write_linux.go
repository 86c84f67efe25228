package storage

import (
	"bytes"
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rdmacp/rdmacp/internal/tree"
)

const aclPrefix = "system.posix_acl_"

// governs reports whether an extended attribute of that name is kept. Nobody sends
// us one of those that the kernel makes up.
func (s *Store) governs(name string) bool {
	switch class, _, _ := strings.Cut(name, "."); class {
	case "user":
		return s.opts.Xattrs
	case "trusted", "security":
		return s.opts.Xattrs && os.Geteuid() == 0
	}
	return s.opts.ACLs && strings.HasPrefix(name, aclPrefix)
}

// applyXattrs makes the extended attributes those that are given. It sets what it
// can.
func (s *Store) applyXattrs(on *subject, want []tree.Xattr) error {
	return on.use(func(fd int) error {
		path := procPath(fd)
		have, err := s.xattrs(path)
		if err != nil {
			if len(want) == 0 && errors.Is(err, errors.ErrUnsupported) {
				return nil
			}
			return err
		}
		var errs []error
		for _, x := range want {
			old, there := have[x.Name]
			delete(have, x.Name)
			if s.governs(x.Name) && (!there || !bytes.Equal(old, x.Value)) {
				errs = append(errs, unix.Setxattr(path, x.Name, x.Value, 0))
			}
		}
		for name := range have {
			errs = append(errs, unix.Removexattr(path, name))
		}
		return errors.Join(errs...)
	})
}

// attrsDiffer returns whether the attributes of something differ from those that
// are given.
func (s *Store) attrsDiffer(p *place, want []tree.Xattr) tree.Change {
	f, err := openBare(p.self, p.leaf)
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }() // nothing was written to it
	var have map[string][]byte
	err = control(f, func(fd int) (err error) {
		have, err = s.xattrs(procPath(fd))
		return err
	})
	if err != nil {
		return 0
	}
	var c tree.Change
	for _, x := range want {
		old, there := have[x.Name]
		delete(have, x.Name)
		if s.governs(x.Name) && (!there || !bytes.Equal(old, x.Value)) {
			c |= attrBit(x.Name)
		}
	}
	for name := range have {
		c |= attrBit(name)
	}
	return c
}

func attrBit(name string) tree.Change {
	if strings.HasPrefix(name, aclPrefix) {
		return tree.ACL
	}
	return tree.Attrs
}

// xattrs returns those attributes that are kept.
func (s *Store) xattrs(path string) (map[string][]byte, error) {
	names, err := sized(func(b []byte) (int, error) { return unix.Listxattr(path, b) })
	if err != nil {
		return nil, err
	}
	have := map[string][]byte{}
	for name := range strings.SplitSeq(string(names), "\x00") {
		if name == "" || !s.governs(name) {
			continue
		}
		value, err := sized(func(b []byte) (int, error) { return unix.Getxattr(path, name, b) })
		if errors.Is(err, unix.ENODATA) {
			continue
		}
		if err != nil {
			return nil, err
		}
		have[name] = value
	}
	return have, nil
}

// sized calls get with as much room as it needs.
func sized(get func([]byte) (int, error)) ([]byte, error) {
	const most = 64 << 10 // the kernel's own limit
	b := make([]byte, 256)
	for {
		n, err := get(b)
		switch {
		case errors.Is(err, unix.ERANGE) && len(b) < most:
			b = make([]byte, most)
		case err != nil:
			return nil, err
		default:
			return b[:n], nil
		}
	}
}
