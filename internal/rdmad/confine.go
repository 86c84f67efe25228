package rdmad

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/rdmacp/rdmacp/internal/confine"
	"github.com/rdmacp/rdmacp/internal/fault"
)

// Confine takes from the process what it does not need, as confine.To does.
type Confine func(confine.Needs) (abi int, err error)

// confine takes from the daemon what it does not need, ahead of everything else: the program
// runs a second time for it.
// The version of Landlock that does is 0 where there is none.
func (a *app) confine(log *slog.Logger, c config) (abi int, err error) {
	if a.confiner == nil || c.landlock == "off" {
		log.Warn("not confined by Landlock")
		return 0, nil
	}
	abi, err = a.confiner(c.needs())
	switch {
	case err != nil:
		return 0, fault.New(fault.Internal, "confining the daemon", err, "report it, and start rdmad with --landlock=off until it is mended")
	case abi == 0 && c.landlock == "require":
		return 0, fault.New(fault.Usage, "confining the daemon", errors.New("this kernel has no Landlock, or it is turned off"),
			"boot with lsm=landlock,... on Linux 5.19 or later, or start rdmad with --landlock=auto")
	case abi == 0:
		log.Warn("not confined by Landlock: this kernel has none")
	default:
		log.Info("confined", slog.Int("landlock_abi", abi))
	}
	return abi, nil
}

// needs are what the daemon goes on needing: what it exports; the files for TLS, which are
// read again from wherever they are replaced; libraries, users, devices and the kernel's
// words on them, which are looked at when a client comes.
func (c config) needs() confine.Needs {
	n := confine.Needs{
		Read:    []string{"/usr", "/lib", "/lib64", "/etc", "/sys", "/proc", "/run"},
		Devices: []string{"/dev/infiniband"},
	}
	for _, name := range []string{c.file, c.tls.Cert, c.tls.Key, c.tls.CA, c.tls.CRL} {
		if name == "" {
			continue
		}
		n.Read = append(n.Read, filepath.Dir(name))
		if real, err := filepath.EvalSymlinks(name); err == nil {
			n.Read = append(n.Read, filepath.Dir(real))
		}
	}
	for _, e := range c.exports {
		if e.ReadOnly {
			n.Read = append(n.Read, e.Path)
		} else {
			n.Write = append(n.Write, e.Path)
		}
	}
	sockets := c.listen
	if c.admin != nil {
		sockets = append(slices.Clone(sockets), *c.admin)
	}
	for _, l := range sockets {
		if l.unix != "" {
			n.Sockets = append(n.Sockets, filepath.Dir(l.unix))
		}
	}
	return n
}

// writable fails if a daemon that was confined to what started needs cannot write to all that c
// exports for writing. It could open that, and every copy to it would fail.
func (c config) writable(started config) error {
	may := started.needs().Write
	for _, e := range c.exports {
		if e.ReadOnly || slices.ContainsFunc(may, func(dir string) bool { return beneath(dir, e.Path) }) {
			continue
		}
		return fault.New(fault.Usage, fmt.Sprintf("exporting %s, %s, for writing", e.Name, e.Path),
			errors.New("it is confined, by Landlock, to what it could write to when it started"), "restart rdmad")
	}
	return nil
}

// beneath reports whether a path leads into a directory, or to it.
func beneath(dir, path string) bool {
	for _, p := range []*string{&dir, &path} {
		if real, err := filepath.EvalSymlinks(*p); err == nil {
			*p = real
		}
	}
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
